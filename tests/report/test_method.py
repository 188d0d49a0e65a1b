"""The page names everything that a repetition needs."""


def test_digests_and_the_suite_are_there(text, about):
    for result in about.results:
        for fact in (result.checkpoint.sha256, result.key, result.data.fingerprint):
            assert fact in text
    assert about.results[0].noise_digest in text
    assert "- kind: motion_blur" in text
    assert "digest" in text
