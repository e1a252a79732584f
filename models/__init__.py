"""What is true: tables, states, transitions and queries. Knows neither Flask nor Celery."""

from models.account import ApiToken, BrowserSession, User
from models.base import Base
from models.claim import Claim, Ended, Progress, Turn
from models.job import Job, JobSource, JobStatus
from models.job_event import JobEvent
from models.notification import Notification, NotificationClaim, NotificationStatus
from models.operator_event import OperatorEvent, record_operator_event
from models.product import Product, ProductCategory, ProductPicture
from models.result_link import ResultLink
from models.session import Database, after_commit
from models.settings import Settings
from models.upload import Upload, UploadChunk

__all__ = [
    "ApiToken",
    "Base",
    "BrowserSession",
    "Claim",
    "Database",
    "Ended",
    "Job",
    "JobEvent",
    "JobSource",
    "JobStatus",
    "Notification",
    "NotificationClaim",
    "NotificationStatus",
    "OperatorEvent",
    "Product",
    "ProductCategory",
    "ProductPicture",
    "Progress",
    "ResultLink",
    "Settings",
    "Turn",
    "Upload",
    "UploadChunk",
    "User",
    "after_commit",
    "record_operator_event",
]
