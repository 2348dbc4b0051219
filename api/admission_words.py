"""The words for applications: what is filed, why it comes back, how far a review is."""

from __future__ import annotations

from collections.abc import Mapping

from api.l10n import mark
from api.words import Word

ENTITIES: Mapping[str, str] = {
    "cn_company": mark("Company registered in mainland China"),
    "jp_kabushiki_gaisha": mark("Japanese kabushiki kaisha (株式会社)"),
}
INELIGIBLE: Mapping[str, str] = {
    "sole_proprietor": mark("Sole proprietor (个体工商户)"),
    "hk_company": mark("Hong Kong company"),
    "other": mark("Something else"),
}
ITEMS: Mapping[str, str] = {
    "business_registration": mark("Business licence, Chinese original"),
    "business_registration_translation": mark("Business licence, notarised Japanese translation"),
    "company_register": mark("Certificate of registered matters"),
    "bank_account": mark("Proof of a bank account in yen"),
    "tax_agent_authority": mark("Power of attorney for a tax agent in Japan"),
    "brand_authorisation": mark("Brand authorisation chain"),
    "undertaking": mark("Compliance undertaking"),
    "asin_list": mark("ASIN list"),
}
FAULTS: Mapping[str, str] = {
    "unreadable": mark("Not legible"),
    "incomplete": mark("Pages are missing"),
    "wrong_document": mark("Not the document asked for"),
    "out_of_date": mark("Out of date"),
    "other_company": mark("Of another company"),
    "not_notarised": mark("Not notarised"),
    "account_not_in_yen": mark("The account does not settle in yen"),
    "agent_not_registered": mark("The tax agent is not registered"),
    "chain_broken": mark("The authorisation chain has a gap"),
    "seal_missing": mark("The company's seal is missing"),
    "signature_missing": mark("The representative's signature is missing"),
    "template_outdated": mark("On an old template"),
    "asins_not_allowed": mark("Holds ASINs that may not be synced"),
}
STAGES: Mapping[str, str] = {
    "pro_seller": mark("Pro Seller review"),
    "asin_sync": mark("ASIN Sync review"),
}
PROGRESS: Mapping[str, Word] = {
    "open": Word("none", mark("Not begun")),
    "in_review": Word("wait", mark("In review")),
    "returned": Word("warn", mark("Sent back")),
    "approved": Word("ok", mark("Approved")),
    "erased": Word("none", mark("Erased")),
}
STATES: Mapping[str, Word] = {
    "missing": Word("none", mark("Missing")),
    "filed": Word("ok", mark("Filed")),
    "returned": Word("warn", mark("Sent back")),
}
FIELDS: Mapping[str, str] = {
    "amazon_seller_id": mark("Amazon.co.jp seller ID"),
    "shop_name": mark("Shop name"),
    "entity": mark("Kind of company"),
    "company_name": mark("Company name, as registered"),
    "registration_number": mark("Unified social credit code, or corporate number (法人番号)"),
    "sells_brands": mark("Do you sell brand goods?"),
    "representative_name": mark("Legal representative"),
    "contact_name": mark("Person to contact"),
    "contact_email": mark("E-mail of the person to contact"),
}
