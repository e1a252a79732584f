"""What is true: tables, states, transitions and queries. Knows neither Flask nor Celery."""

from models.account import ApiToken, BrowserSession, User
from models.base import Base
from models.claim import Claim, Ended, Progress, Turn
from models.daily_counter import Cap, DailyCounter, spend
from models.forgetting import TextToForget
from models.job import Job, JobSource, JobStatus
from models.job_event import JobEvent
from models.notification import Notification, NotificationClaim, NotificationStatus
from models.occurrence import Occurrence
from models.operator_event import OperatorEvent, record_operator_event
from models.posting import Posting, PostingAddress
from models.product import Product, ProductCategory, ProductPicture
from models.result_link import ResultLink
from models.saved_search import SavedSearch
from models.session import Database, after_commit
from models.settings import Settings
from models.sighting import Sighting
from models.suppression import Suppression, SuppressionReason
from models.upload import Upload, UploadChunk
from models.verification_code import VerificationCode

__all__ = [
    "ApiToken",
    "Base",
    "BrowserSession",
    "Cap",
    "Claim",
    "DailyCounter",
    "Database",
    "Ended",
    "Job",
    "JobEvent",
    "JobSource",
    "JobStatus",
    "Notification",
    "NotificationClaim",
    "NotificationStatus",
    "Occurrence",
    "OperatorEvent",
    "Posting",
    "PostingAddress",
    "Product",
    "ProductCategory",
    "ProductPicture",
    "Progress",
    "ResultLink",
    "SavedSearch",
    "Settings",
    "Sighting",
    "Suppression",
    "SuppressionReason",
    "TextToForget",
    "Turn",
    "Upload",
    "UploadChunk",
    "User",
    "VerificationCode",
    "after_commit",
    "record_operator_event",
    "spend",
]
