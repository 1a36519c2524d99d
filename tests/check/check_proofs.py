# SPDX-License-Identifier: BSD-2-Clause
"""The records of long proofs (docs/proofs.md) are whole, and name proofs, folders and commits that there are. Where a folder that a
proof names has changed since the proof last ran, a warning says so: that is no violation, as proofs take hours."""
import proof_records
import sources as source_tree


def name_violations(found, sources):
    """Records and branches of scripts/prove are the same."""
    names = [record.name for record in found]
    branches = proof_records.branches(sources.text(proof_records.SCRIPT)) if proof_records.SCRIPT in sources.files else []
    for record in found:
        if names.count(record.name) > 1:
            yield f"{proof_records.PAGE}:{record.line}: {record.name} is recorded {names.count(record.name)} times"
        if record.name not in branches:
            yield f"{proof_records.PAGE}:{record.line}: {proof_records.SCRIPT} has no {record.name}"
    for missing in sorted(set(branches) - set(names)):
        yield f"{proof_records.PAGE}:1: no record of {missing}, which {proof_records.SCRIPT} has"


def place_violations(record, sources, history):
    """Its folders and its commit are there."""
    for folder in record.folders:
        prefix = folder.rstrip("/")
        if not any(path == prefix or path.startswith(prefix + "/") for path in sources.files):
            yield f"{proof_records.PAGE}:{record.line}: {record.name}: there is no {folder}"
    if record.commit and history.is_whole and not history.has(record.commit):
        yield f"{proof_records.PAGE}:{record.line}: {record.name}: {record.commit} is no commit of this history"


def violations(sources):
    if proof_records.PAGE not in sources.files:
        return []
    found, wrong = proof_records.records(sources.text(proof_records.PAGE))
    if wrong:
        return [f"{proof_records.PAGE}:{one}" for one in wrong]
    history = proof_records.History(sources.root)
    places = [one for record in found for one in place_violations(record, sources, history)]
    return [*name_violations(found, sources), *places]


def warnings(sources):
    """What the last runs do not speak for any more."""
    found, wrong = proof_records.records(sources.text(proof_records.PAGE))
    history = proof_records.History(sources.root)
    if wrong or not history.is_whole:
        return []
    states = [(record, proof_records.state(record, history)) for record in found]
    return [f"{proof_records.PAGE}:{record.line}: warning: {record.name}: {state}" for record, state in states if state]


if __name__ == "__main__":
    source_tree.main(violations, warnings=warnings)
