"""A small audit of a made-up dataset, for tests of what keeps, packs and prints audits."""

from paper_kit.core.part import Part
from paper_kit.core.record import AuditedImage, AuditRecord, NearCopy

FINGERPRINT = "0123456789abcdef"


def an_audit(fingerprint=FINGERPRINT):
    """Test image 1 stands in train, 2 nearly; 3 stands twice, in test alone, with two labels."""
    image = {
        name: AuditedImage(split=name.rstrip("0123456789"), id=name, label="a")
        for name in ("train1", "train2", "test1", "test2", "test3")
    }
    other = AuditedImage(split="test", id="test4", label="b")
    return AuditRecord(
        dataset=Part(name="fer2013"),
        fingerprint=fingerprint,
        counts={"train": {"a": 2}, "test": {"a": 3, "b": 1}},
        blank=(),
        copies=((image["train1"], image["test1"]),),
        conflicts=((image["test3"], other),),
        near=(
            NearCopy(image=image["test2"], partner=image["train2"], score=0.99),
            NearCopy(image=image["test1"], partner=image["train2"], score=0.98),
        ),
    )
