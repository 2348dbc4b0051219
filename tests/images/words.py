"""What the labelled pictures say: goods in three languages, and what watermarks are made of.

Written for the pictures alone, without a look at the lists that the inspector goes by.
"""

from __future__ import annotations

GOODS = (
    ("ステンレスボトル", "不锈钢保温瓶", "Vacuum Bottle"),
    ("折りたたみ傘", "折叠晴雨伞", "Folding Umbrella"),
    ("珪藻土バスマット", "硅藻土脚垫", "Bath Mat"),
    ("電気毛布", "电热毯", "Heated Blanket"),
    ("南部鉄瓶", "铸铁壶", "Cast Iron Kettle"),
    ("コーヒードリッパー", "咖啡滤杯", "Coffee Dripper"),
    ("洗濯ネット", "洗衣网袋", "Laundry Net"),
    ("保湿クリーム", "保湿面霜", "Moisture Cream"),
    ("抹茶茶碗", "抹茶碗", "Matcha Bowl"),
    ("キッチンばさみ", "厨房剪刀", "Kitchen Shears"),
    ("除菌スプレー", "除菌喷雾", "Cleaning Spray"),
    ("歯みがき粉", "牙膏", "Toothpaste"),
    ("耳かき", "挖耳勺", "Ear Pick"),
    ("目覚まし時計", "闹钟", "Alarm Clock"),
    ("卓上加湿器", "桌面加湿器", "Desk Humidifier"),
    ("竹箸", "竹筷", "Bamboo Chopsticks"),
    ("圧縮袋", "压缩袋", "Storage Bag"),
    ("猫用爪とぎ", "猫抓板", "Cat Scratcher"),
    ("登山リュック", "登山背包", "Hiking Backpack"),
    ("子ども用レインコート", "儿童雨衣", "Kids Raincoat"),
    ("毛玉取り器", "毛球修剪器", "Fabric Shaver"),
    ("入浴剤", "浴盐", "Bath Salts"),
    ("風呂敷", "包袱布", "Wrapping Cloth"),
    ("万年筆", "钢笔", "Fountain Pen"),
    ("薬用ハンドソープ", "洗手液", "Hand Soap"),
    ("まな板", "砧板", "Cutting Board"),
    ("LEDランタン", "露营灯", "LED Lantern"),
    ("アイマスク", "眼罩", "Eye Mask"),
    ("漆器の汁椀", "漆器汤碗", "Lacquer Bowl"),
    ("ヘアブラシ", "气垫梳", "Hair Brush"),
)
"""A thing's name as its Japanese, Chinese and English labels have it."""

OTHER_SPELLINGS = {
    "ステンレスボトル": "真空断熱マグ",
    "洗濯ネット": "ランドリーポーチ",
    "圧縮袋": "ふとん収納パック",
    "アイマスク": "快眠目かくし",
    "ヘアブラシ": "くし 頭皮ケア",
}
"""How a title may call the same thing in words that no letter-by-letter rule can match."""

BRANDS = ("ツバキ堂", "Mizuhara", "北斗工房", "AKIYO", "やまびこ", "Tomoshibi", "三日月社")
EXTRAS = (
    "ギフト包装対応",
    "まとめ買い",
    "2点セット",
    "大きめサイズ",
    "軽量",
    "ブラック",
    "500ml",
    "男女兼用",
)
SMALL_PRINT = {
    "ja": ("内容量 120g", "使用上の注意をお読みください", "日本で企画しました", "原材料 綿"),
    "zh": ("净含量 120克", "请仔细阅读说明书", "执行标准见包装", "产地 宁波"),
    "en": ("NET WT 120 g", "Read the manual first", "Designed for home", "100% cotton"),
}

CONTACT_MARKS = (
    "hinodeya-goods.jp", "https://aozora.example/shop", "ご注文 03-5550-1234", "加微 suzu8812",
    "手机 138-5550-0188", "@hikari_goods", "LINE: mori2024", "m.kumo-select.cn",
)  # fmt: skip
LEGAL_MARKS = (
    "© 2025 Hinode Trading", "Copyright Minato Ltd.", "(C) KOTORI", "画像の転載はお断りします",
    "版权所有 翻版必究", "All Rights Reserved", "無断使用を禁じます", "Photo (c) Aoi Mori",
)  # fmt: skip
PHRASE_MARKS = ("SAMPLE", "見本", "DO NOT COPY", "厂家一手货源", "コピー厳禁", "样品图", "PROOF")
NAME_MARKS = (
    "HINODE SELECT", "木の葉屋", "Blue Finch", "星空雑貨", "云朵优选", "MARUYAMA", "Kitefly",
    "翠屋", "小鹿家居", "Nordlicht", "こもれび商店", "Fuwari",
)  # fmt: skip
