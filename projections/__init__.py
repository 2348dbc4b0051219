"""What can be asked: one file per question, each the exact fold of the log up to its position."""

from projections.applications import Applications
from projections.arbitrage_signs import ArbitrageSigns
from projections.audit_trail import AuditTrail
from projections.bindings import Bindings
from projections.channel_prices import ChannelPrices
from projections.conditions import Conditions
from projections.effects import Effects
from projections.health_score import HealthScore
from projections.price_bases import PriceBases
from projections.sellers import Sellers
from projections.stock_alerts import StockAlerts
from projections.submissions import Submissions
from projections.suspicions import Suspicions
from projections.sync_log import SyncLog
from projections.table import Projection
from projections.tickets import Tickets

ALL: tuple[Projection, ...] = (
    Sellers(),
    Effects(),
    Bindings(),
    Submissions(),
    SyncLog(),
    HealthScore(),
    Conditions(),
    AuditTrail(),
    ChannelPrices(),
    PriceBases(),
    StockAlerts(),
    Tickets(),
    ArbitrageSigns(),
    Suspicions(),
    Applications(),
)
