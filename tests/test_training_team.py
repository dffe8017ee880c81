"""The same call in two processes gives what it gives in one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from course_utils import training
from course_utils.training.team import Team, leave_team, share

SAMPLES = 45  # batches of 16, 16 and 13: no two ranks have the same share of the last
WEIGHTS = torch.tensor([0.2, 1.0, 3.0])


def data(samples, seed):
    """Points of three classes, of which the first is the most frequent."""
    generator = torch.Generator().manual_seed(seed)
    labels = (torch.rand(samples, generator=generator) * 4).long().clamp(min=1) - 1
    return TensorDataset(torch.randn(samples, 6, generator=generator) + labels[:, None], labels)


def job(name, folder, epochs=4, resume=False):
    """Train with the settings of one case, from its seeds on; what a script that torchrun starts would do."""
    torch.manual_seed(0)
    norm = [nn.BatchNorm1d(8)] if name == "batch norm" else []
    model = nn.Sequential(nn.Linear(6, 8), *norm, nn.Tanh(), nn.Linear(8, 3))
    if name == "dropout":
        model.insert(1, nn.Dropout(0.5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    history = training.fit(
        model,
        # Without an order to draw, equal ranks would draw equal dropout masks.
        DataLoader(data(SAMPLES, 1), batch_size=16, shuffle=name != "dropout"),
        DataLoader(data(23, 2), batch_size=4),
        epochs=epochs,
        optimizer=optimizer,
        scheduler=torch.optim.lr_scheduler.StepLR(optimizer, 2),
        loss_fn=nn.CrossEntropyLoss(weight=WEIGHTS) if name == "class weights" else None,
        checkpoint=folder / f"{name}.pt",
        resume=folder / f"{name}.resume" if resume else None,
    )
    history.seconds.clear()
    return {"model": dict(model.state_dict()), "history": vars(history), "noise": torch.rand(3)}


CASES = ("plain", "class weights", "batch norm", "dropout")


def main(folder):
    """Run all cases as one rank, and store what this rank has come to."""
    torch.set_num_threads(1)
    replace, written = os.replace, []
    os.replace = lambda source, target: (written.append(target), replace(source, target))
    results = {name: job(name, folder) for name in CASES}
    job("dropout", folder, epochs=2, resume=True)
    results["resumed"] = job("dropout", folder, epochs=4, resume=True)
    try:
        model, batches = nn.Linear(6, 3), [data(4, 1).tensors]
        training.fit(model, batches, batches, epochs=1, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    except TypeError as error:
        results["no loader"] = str(error)
    results["written"] = len(written)
    torch.save(results, folder / f"rank{os.environ['RANK']}.pt")
    for _ in range(1000):  # still under way as the process ends, which must end all the same
        dist.broadcast(torch.ones(3), src=0, async_op=True)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """What two processes of torchrun have come to."""
    folder = tmp_path_factory.mktemp("ranks")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "80"}
    done = subprocess.run(
        [*command, str(Path(__file__)), str(folder)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]
    return folder, results, done.stderr


def assert_close(first, second):
    for key in first["model"]:
        assert torch.allclose(first["model"][key], second["model"][key], rtol=1e-4, atol=1e-6), key
    for key, values in first["history"].items():
        assert values == pytest.approx(second["history"][key], rel=1e-4), key


@pytest.mark.parametrize("name", ["plain", "class weights"])
def test_two_processes_equal_one_on_the_same_batches(ranks, tmp_path, name):
    folder, results, _ = ranks
    alone = job(name, tmp_path)
    for rank in (0, 1):
        assert_close(results[rank][name], alone)
    assert len(alone["history"]["valid_loss"]) == 4
    stored, own = (torch.load(f / f"{name}.pt", weights_only=True) for f in (folder, tmp_path))
    assert stored["numbers"] == pytest.approx(own["numbers"], rel=1e-4)


def test_ranks_agree_with_batch_norm_and_dropout(ranks, tmp_path):
    """Batch norm sees shares, so that it is not equal to one process; but all ranks hold one model."""
    _, (first, second), _ = ranks
    for name in ("batch norm", "dropout", "plain"):
        assert all(torch.equal(first[name]["model"][key], tensor) for key, tensor in second[name]["model"].items())
        assert first[name]["history"] == second[name]["history"]
    alone = job("batch norm", tmp_path)
    assert not torch.allclose(first["batch norm"]["model"]["0.weight"], alone["model"]["0.weight"], rtol=1e-4)


def test_each_rank_has_random_numbers_of_its_own(ranks):
    _, (first, second), _ = ranks
    assert not torch.equal(first["dropout"]["noise"], second["dropout"]["noise"])


def test_two_processes_resume_bit_for_bit(ranks):
    _, results, _ = ranks
    for rank in results:
        assert rank["resumed"]["history"] == rank["dropout"]["history"]
        assert all(torch.equal(rank["dropout"]["model"][key], t) for key, t in rank["resumed"]["model"].items())
        assert torch.equal(rank["resumed"]["noise"], rank["dropout"]["noise"])


def test_one_rank_writes_and_shows_progress(ranks):
    folder, results, printed = ranks
    assert results[0]["written"] > len(CASES) and results[1]["written"] == 0
    files = {path.name for path in folder.iterdir()}
    assert files == {f"{name}.pt" for name in CASES} | {"rank0.pt", "rank1.pt", "dropout.resume"}
    runs = len(CASES) + 2  # the resumed one is two
    assert printed.count("[00:00<?, ?batch/s]") == runs  # each bar starts with that
    assert "epoch 4/4: 100%" in printed


def test_the_file_of_two_processes_is_not_resumed_by_one(ranks, tmp_path):
    folder, _, _ = ranks
    (tmp_path / "dropout.resume").write_bytes((folder / "dropout.resume").read_bytes())
    with pytest.raises(ValueError, match="the number of processes is 2 there and 1 here"):
        job("dropout", tmp_path, resume=True)


def test_what_cannot_be_shared_is_said(ranks, monkeypatch):
    _, results, _ = ranks
    assert all("can share a DataLoader that makes batches; got list" in rank["no loader"] for rank in results)
    team = Team(torch.device("cpu"), rank=0, size=4)
    monkeypatch.setattr("torch.distributed.broadcast_object_list", lambda values, src: None)
    short = share(DataLoader(data(11, 0), batch_size=4), team)
    with pytest.raises(ValueError, match="A batch of 3 cannot be shared by 4 processes. Change the batch size"):
        list(short)


def test_a_script_may_leave_the_team_itself():
    """What is called as the process ends finds no group then, and says nothing."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    leave_team()
    assert not dist.is_initialized()
    leave_team()


def test_shares_together_are_the_whole(monkeypatch):
    monkeypatch.setattr("torch.distributed.broadcast_object_list", lambda values, src: values.__setitem__(0, batches))
    batches = [[3, 1, 4, 0], [5, 9, 2]]
    loader = DataLoader(data(10, 0), batch_sampler=batches)
    for whole in (False, True):
        loaders = [share(loader, Team(torch.device("cpu"), rank, 2), whole=whole) for rank in (0, 1)]
        dealt = [list(loader.batch_sampler) for loader in loaders]
        assert [len(loader) for loader in loaders] == [len(part) for part in dealt]
        assert sorted(i for part in dealt for batch in part for i in batch) == [0, 1, 2, 3, 4, 5, 9]
    assert dealt == [[[3, 1, 4, 0]], [[5, 9, 2]]]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
