"""What is true: tables, states, transitions and queries. Knows neither Flask nor Celery."""

from models.account import ApiToken, BrowserSession, User
from models.base import Base
from models.job import Claim, Job, JobSource, JobStatus, Progress
from models.job_event import JobEvent
from models.notification import Notification, NotificationClaim, NotificationStatus
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
    "Job",
    "JobEvent",
    "JobSource",
    "JobStatus",
    "Notification",
    "NotificationClaim",
    "NotificationStatus",
    "Product",
    "ProductCategory",
    "ProductPicture",
    "Progress",
    "ResultLink",
    "Settings",
    "Upload",
    "UploadChunk",
    "User",
    "after_commit",
]
