"""Base or application, and how that is known."""

from estate.containers.layers import Attribution, Base, attribute, guess_base, part_of

LAYERS = ("sha256:a", "sha256:b", "sha256:c")
CMD = '/bin/sh -c #(nop)  CMD ["bash"]'


def test_the_longest_known_base_wins():
    bases = [Base("debian", LAYERS[:1]), Base("python", LAYERS[:2]), Base("other", ("sha256:x",))]
    assert attribute(LAYERS, bases, "from-label", "", 1) == Attribution(2, "python", "layers")
    assert attribute(LAYERS, bases[::-1]) == Attribution(2, "python", "layers")


def test_an_image_is_not_its_own_base():
    assert attribute(LAYERS, [Base("self", LAYERS), Base("none", ())]) == Attribution()


def test_of_equal_bases_the_labels_digest_decides_then_the_name():
    bases = [Base("b", LAYERS[:1], "sha256:2"), Base("a", LAYERS[:1], "sha256:1")]
    assert attribute(LAYERS, bases).name == "a"
    assert attribute(LAYERS, bases, digest="sha256:2").name == "b"


def test_a_label_names_the_base_and_the_history_guesses_its_layers():
    assert attribute(LAYERS, (), "debian:12", "", 1) == Attribution(1, "debian:12", "label")
    assert attribute(LAYERS, (), "debian:12") == Attribution(0, "debian:12", "label")
    assert attribute(LAYERS, (), guessed=2) == Attribution(2, "", "history")
    assert attribute(LAYERS, (), guessed=3) == Attribution()


def test_a_layer_belongs_to_a_part_or_nobody_knows():
    known = Attribution(1, "debian", "layers")
    assert [part_of(layer, LAYERS, known) for layer in (*LAYERS, "")] == [
        "base",
        "application",
        "application",
        "unknown",
    ]
    assert part_of("sha256:a", LAYERS, Attribution()) == "unknown"


def test_everything_up_to_an_earlier_command_is_guessed_to_be_the_base():
    history = [("ADD", False), (CMD, True), ("COPY", False), ('CMD ["app"]', True)]
    assert guess_base(history) == 1
    assert guess_base(history[:2]) == 0
    assert guess_base([]) == 0
