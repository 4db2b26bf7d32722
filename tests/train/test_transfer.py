"""Charset surgery: what a head keeps, what its new symbols start from, and what it reads before training."""

from __future__ import annotations

import pytest
import torch

from ocrtune.charset import PRINTABLE_ASCII, Charset
from ocrtune.decoding import ClassLayout
from ocrtune.models import FED, HEAD, NETWORKS, build
from ocrtune.models.head import Head
from ocrtune.train.transfer import (
    LOOK_ALIKES,
    UNTAUGHT_BIAS,
    CharsetChange,
    case_pairs,
    change_charset,
    look_alike,
    missing_case,
    plan_charset,
    replace_charset,
    resembling,
)

LAYOUT = ClassLayout()
FEATURES = 5

NBSP = "\N{NO-BREAK SPACE}"


def head_for(charset: Charset) -> Head:
    """A head with distinct random rows."""
    head = Head(FEATURES, LAYOUT.num_classes(charset))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        head.weight.copy_(torch.randn(head.weight.shape, generator=generator))
        head.bias.copy_(torch.randn(head.bias.shape, generator=generator))
    return head


def row(head: Head, charset: Charset, symbol: str) -> list[float]:
    """Weight and bias of a symbol's class."""
    (class_index,) = LAYOUT.to_classes(charset.encode(symbol))
    return [*head.weight[class_index].tolist(), head.bias[class_index].item()]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("abc", "abc"),
        # Another order, fewer, more, before and between.
        ("abc", "cba"),
        ("abcdef", "eb"),
        ("abc", "xaybzc"),
        ("abc", "øc1"),
        # Nothing in common but the blank.
        ("abc", "中文"),
    ],
)
def test_every_row_that_stays_is_the_same_bit_for_bit(old: str, new: str) -> None:
    before, after = Charset(old), Charset(new)
    head = head_for(before)
    changed, change = replace_charset(head, before, after, LAYOUT)

    assert changed.weight.shape == (len(new) + 1, FEATURES)
    assert changed.bias.shape == (len(new) + 1,)
    assert torch.equal(changed.weight[LAYOUT.blank], head.weight[LAYOUT.blank])
    assert torch.equal(changed.bias[LAYOUT.blank], head.bias[LAYOUT.blank])
    for symbol in set(old) & set(new):
        assert row(changed, after, symbol) == row(head, before, symbol)
    assert change.kept == tuple(s for s in new if s in old)
    assert change.dropped == tuple(s for s in old if s not in new)
    assert list(change.added) == [s for s in new if s not in old]


def test_the_same_charset_changes_nothing() -> None:
    charset = Charset(PRINTABLE_ASCII)
    head = head_for(charset)
    changed, change = replace_charset(head, charset, charset, LAYOUT)
    assert torch.equal(changed.weight, head.weight)
    assert torch.equal(changed.bias, head.bias)
    assert change == CharsetChange(kept=PRINTABLE_ASCII, added={}, dropped=())


def test_the_old_head_is_left_alone_and_shares_no_memory() -> None:
    charset = Charset("ab")
    head = head_for(charset)
    weight = head.weight.detach().clone()
    changed, _ = replace_charset(head, charset, charset, LAYOUT)
    with torch.no_grad():
        changed.weight.zero_()
    assert torch.equal(head.weight, weight)
    assert changed.weight.requires_grad
    assert changed.bias.requires_grad


@pytest.mark.parametrize(
    ("symbol", "source"),
    [
        ("é", "e"),
        ("ø", "o"),
        ("А", "A"),  # Cyrillic
        # First the mark goes, then the script.
        ("Ё", "E"),
        ("Ά", "A"),
        ("ﬁ", "f"),
        ("…", "."),
        (NBSP, " "),
    ],
)
def test_a_new_symbol_starts_as_its_look_alike(symbol: str, source: str) -> None:
    before = Charset((*"xz", source))
    after = before.union(Charset([symbol]))
    head = head_for(before)
    changed, change = replace_charset(head, before, after, LAYOUT)
    assert row(changed, after, symbol) == row(head, before, source)
    assert change.added == {symbol: source}


def test_a_look_alike_is_taken_from_the_old_charset_even_if_it_goes() -> None:
    before, after = Charset("oab"), Charset("øa")
    head = head_for(before)
    changed, change = replace_charset(head, before, after, LAYOUT)
    assert row(changed, after, "ø") == row(head, before, "o")
    assert change == CharsetChange(kept=("a",), added={"ø": "o"}, dropped=("o", "b"))


def test_a_symbol_like_no_other_starts_as_the_mean_of_all_but_quiet() -> None:
    before = Charset("abc")
    after = Charset("中a")
    head = head_for(before)
    changed, change = replace_charset(head, before, after, LAYOUT)
    assert change.added == {"中": None}
    # The mean is over symbols: the blank, which wins most steps, has no part in it.
    assert torch.equal(changed.weight[1], head.weight[1:].mean(0))
    assert torch.equal(changed.bias[1], head.bias[1:].mean() + UNTAUGHT_BIAS)
    assert UNTAUGHT_BIAS < 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("abcdefgh", "hgfedcba"),
        ("abcdefgh", "ghxyø中ab"),
        # A look-alike ties with its source: it must not take the place of it.
        ("aeiouA", "éeøoАA"),
    ],
)
def test_restricted_to_shared_symbols_the_network_reads_the_same(old: str, new: str) -> None:
    before, after = Charset(old), Charset(new)
    head = head_for(before)
    changed, _ = replace_charset(head, before, after, LAYOUT)
    shared = before.shared_rows(after)
    old_classes = [LAYOUT.blank, *LAYOUT.to_classes([i for i, _ in shared])]
    new_classes = [LAYOUT.blank, *LAYOUT.to_classes([j for _, j in shared])]
    features = torch.randn(500, FEATURES, generator=torch.Generator().manual_seed(2))
    old_scores, new_scores = head(features)[:, old_classes], changed(features)[:, new_classes]
    winners = old_scores.argmax(1)
    assert torch.equal(new_scores.argmax(1), winners)
    assert len(winners.unique()) == len(old_classes)  # each class wins somewhere: the test can fail


def test_without_one_case_a_letter_is_as_likely_as_both_of_its_looks_were() -> None:
    before, after = Charset("bAaé1Bß"), Charset("1ABÉ")
    head = head_for(before)
    changed, change = replace_charset(head, before, after, LAYOUT)
    features = torch.randn(1, 50, FEATURES, generator=torch.Generator().manual_seed(3))
    likely = dict(zip(before.symbols, head(features).exp().unbind(2)[1:], strict=True))
    expected = [likely["1"], likely["A"] + likely["a"], likely["B"] + likely["b"], likely["é"]]
    torch.testing.assert_close(changed(features).exp()[..., 1:], torch.stack(expected, 2))
    assert change.either_case == tuple("AB")  # É starts from é: it has no look of its own yet
    assert change.dropped == tuple("baéß")


@pytest.mark.parametrize(
    ("new", "either_case", "classes"), [("aAb", "", ()), ("b1a", "ba", (1, 3)), ("1", "", ())]
)
def test_looks_are_second_only_where_a_whole_case_is_missing(
    new: str, either_case: str, classes: tuple[int, ...]
) -> None:
    start = Charset("aAbB1")
    changed, change = replace_charset(head_for(start), start, Charset(new), LAYOUT)
    assert change.either_case == tuple(either_case)
    assert changed.second_looks == classes


def test_a_second_look_becomes_a_symbol_again() -> None:
    """Fine-tuning a model that read capitals only on labels in both cases."""
    start, capitals, both = Charset("aAbB"), Charset("AB"), Charset("abAB")
    head = head_for(start)
    between, _ = replace_charset(head, start, capitals, LAYOUT)
    again, change = replace_charset(between, capitals, both, LAYOUT)
    assert again.second_looks == ()
    for symbol in both.symbols:
        assert row(again, both, symbol) == row(head, start, symbol)
    assert change == CharsetChange(kept=tuple("abAB"), added={}, dropped=())


def test_second_looks_stay_through_another_training() -> None:
    start, capitals = Charset("aAbB"), Charset("AB")
    once, _ = replace_charset(head_for(start), start, capitals, LAYOUT)
    twice, change = replace_charset(once, capitals, Charset("BA1"), LAYOUT)
    features = torch.randn(1, 9, FEATURES, generator=torch.Generator().manual_seed(4))
    torch.testing.assert_close(once(features)[..., [2, 1]], twice(features)[..., [1, 2]])
    assert change.either_case == tuple("BA")


@pytest.mark.parametrize(
    ("texts", "case"),
    [
        (["TOTAL RM 5.00"] * 30, "lower"),
        (["total kr 5,00"] * 29, "upper"),
        (["TOTAL RM 5.00"] * 30 + ["Ø"], "lower"),
        # Too few letters to tell, a single letter of the other case, no letters that have cases.
        (["TOTAL RM 5.00"] * 30 + ["x"], None),
        (["TOTAL RM 5.00"] * 10, None),
        (["京A12"] * 300, "lower"),
        (["中文 5"] * 300, None),
        ([], None),
    ],
)
def test_missing_case(texts: list[str], case: str | None) -> None:
    assert missing_case(texts) == case


@pytest.mark.parametrize(
    ("symbol", "known", "found"),
    [
        # With fewer of its marks first, the table second, the other case last.
        ("É", "Eeé", "E"),
        ("é", "Ee", "e"),
        ("É", "é", "é"),
        ("ế", "eêé", "ê"),
        ("ế", "eé", "é"),
        ("ậ", "aA", "a"),
        ("ø", "oØ", "o"),
        ("ø", "Ø", "Ø"),
        ("²", "2", "2"),
        ("½", "1", "1"),
        ("Ａ", "A", "A"),  # full width
        ("ё", "e", "e"),
        ("“", '"', '"'),
        ("a", "A", "A"),
        # Never itself, never what is not there, never two symbols ("ß".swapcase() is "SS").
        ("a", "a", None),
        ("é", "xyz", None),
        ("ß", "S", None),
        ("中", "abc", None),
        ("\N{COMBINING ACUTE ACCENT}", "abc", None),
    ],
)
def test_look_alike(symbol: str, known: str, found: str | None) -> None:
    assert look_alike(symbol, Charset(known)) == found


def test_the_table_leads_from_one_code_point_beyond_ascii_to_printable_ascii() -> None:
    odd = {k: v for k, v in LOOK_ALIKES.items() if len(k) != 1 or k.isascii() or v not in PRINTABLE_ASCII}
    assert odd == {}


@pytest.mark.parametrize(
    ("change", "summary"),
    [
        (CharsetChange(("a", "b"), {}, ()), "charset: 2 symbols kept, 0 added, 0 dropped"),
        (
            CharsetChange(("a",), {"ø": "o", "中": None}, ("x",)),
            "charset: 1 symbols kept, 2 added (ø from o, 中), 1 dropped",
        ),
        (
            CharsetChange(("A",), {}, ("a", "中"), ("A",)),
            "charset: 1 symbols kept, 0 added, 2 dropped, 1 letters read in either case",
        ),
    ],
)
def test_summary(change: CharsetChange, summary: str) -> None:
    assert change.summary() == summary


ASCII = "".join(PRINTABLE_ASCII)


@pytest.mark.parametrize(
    ("vocab", "base", "texts", "symbols"),
    [
        # From random weights: labels and printable ASCII, sorted.
        ("data", None, ["øl", "中"], ASCII + "ø中"),
        ("data", None, [], ASCII),
        # What the base knows keeps its order; the new ones follow, sorted; the rest of it goes.
        ("data", "zøæ" + ASCII.replace("z", ""), ["中ø", "é"], "zø" + ASCII.replace("z", "") + "é中"),
        ("keep", "zøæ" + ASCII.replace("z", ""), ["中ø", "é"], "zøæ" + ASCII.replace("z", "") + "é中"),
        # A base without all of ASCII gets the rest of it.
        ("keep", "ba", ["a"], "ba" + ASCII.replace("a", "").replace("b", "")),
        # Labels in capitals, and enough of them: no small letters, unless all of the base is kept.
        (
            "data",
            "baBA",
            ["TOTAL"] * 40,
            "BA" + "".join(c for c in ASCII if not c.islower() and c not in "BA"),
        ),
        ("data", None, ["TOTAL"] * 40, "".join(c for c in ASCII if not c.islower())),
        ("keep", ASCII, ["TOTAL"] * 40, ASCII),
        # Decomposed labels are composed symbols.
        ("data", None, ["e\N{COMBINING ACUTE ACCENT}"], ASCII + "é"),
    ],
)
def test_plan_charset(vocab: str, base: str | None, texts: list[str], symbols: str) -> None:
    planned = plan_charset(vocab, None if base is None else Charset(base), texts)
    assert "".join(planned.symbols) == symbols


@pytest.mark.parametrize("name", NETWORKS)
def test_every_class_indexed_tensor_of_every_network_keeps_its_rows(name: str) -> None:
    """Bit for bit; and the changed network reads before its first step what the old one read."""
    torch.manual_seed(6)
    layout = ClassLayout(NETWORKS[name].classes)
    before, after = Charset("abcdeF"), Charset("xøcbF")  # moved, dropped, new with and without a look-alike
    sizes = {"channels": 16, "hidden": 8, "max_length": 4, "width": 32}
    options = {k: v for k, v in sizes.items() if k in NETWORKS[name].options}
    network = build(name, options, layout.num_classes(before)).eval()
    old = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    state, second_looks, _ = change_charset(network, before, after, layout)
    changed = build(name, options, layout.num_classes(after)).eval()
    changed.load_state_dict(state)
    assert second_looks == ()
    rows = list(range(layout.specials))
    pairs = [(row, row) for row in rows] + [
        (layout.to_classes([i])[0], layout.to_classes([j])[0]) for i, j in before.shared_rows(after)
    ]
    assert len(pairs) == layout.specials + 3
    for key, tensor in changed.state_dict().items():
        if key.startswith((HEAD, FED)):
            for source, target in pairs:
                assert torch.equal(tensor[target], old[key][source]), key
        else:
            assert torch.equal(tensor, old[key]), key


def test_a_decoder_is_fed_the_look_alike_of_a_new_symbol_or_the_mean() -> None:
    layout = ClassLayout("attention")
    before, after = Charset("abo"), Charset("ø中b")
    network = build("vgg-attn", {"channels": 8, "hidden": 4}, layout.num_classes(before))
    table = network.fed.weight.detach()
    changed = change_charset(network, before, after, layout)[0]["fed.weight"]
    assert torch.equal(changed[2], table[4])
    torch.testing.assert_close(changed[3], table[2:].mean(0))  # not of start and end
    assert torch.equal(changed[4], table[3])


@pytest.mark.parametrize(
    ("texts", "pairs"),
    [
        (["TOTAL CASH"] * 40, {("A", "a"), ("B", "b")}),
        (["total cash"] * 40, {("a", "A"), ("b", "B")}),
        (["Total Cash"] * 40, set()),
        (["TOTAL"], set()),  # too few to tell
    ],
)
def test_labels_of_one_case_do_not_tell_the_other(texts: list[str], pairs: set[tuple[str, str]]) -> None:
    charset = Charset("aAbB1ßC")  # "ß" is "SS" in capitals, and "c" is not there
    found = case_pairs(charset, LAYOUT, texts)
    named = {tuple(charset.symbols[LAYOUT.to_symbol(index)] for index in pair) for pair in found}
    assert named == pairs


def test_letters_that_differ_in_their_marks_are_what_new_ones_are_taken_for() -> None:
    known = Charset("aàåÀøọe1ªａ中")
    assert resembling(["ạ", "ỏ"], known) == ["à", "å", "ø", "ọ"]
    assert resembling(["國"], known) == []
