"""House rules that no linter knows, asked of the tree, the shipped feeds, the command line and dbt's manifest.

Whoever adds a vendor, a module, a mart or a page learns here what was forgotten.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.main

from orchestration import dbt_runner
from orchestration.catalogue import ConfigurationError, load_catalogue
from orchestration.cli import app
from orchestration.sources.fileserver import RemoteSettings
from orchestration.sources.profile import FileProfile, shipped_profiles
from tests.contract import CONTRACT, SHIPPED_FEEDS, VERBS

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "orchestration" / "sources"
CODE = ("orchestration", "emulators", "benchmarks", "tests")
LONGEST_FILE = 400
# The picture of docs/architecture.md, from left to right: a module imports from its own room and those before it.
ROOMS: tuple[tuple[str, ...], ...] = (
    ("batches", "locks", "partitions", "progress", "dbt_runner"),  # leaves: they know nothing of the house
    ("sources",),
    ("landing",),
    ("raw",),
    ("settings", "catalogue", "inventory", "home", "parsing", "steps", "transform"),
    ("publish",),
    ("defs", "definitions", "runs"),
    ("commands", "cli"),  # and cli_*
)
MAY_IMPORT_DAGSTER = {"defs", "definitions", "runs", "partitions"}
MAY_READ_THE_ENVIRONMENT = {"orchestration/settings.py", "orchestration/dbt_runner.py"}  # the latter sets it for dbt
MAY_READ_THE_CLOCK = {
    "orchestration/home.py": {"utc_now"},
    "orchestration/sources/http/client.py": {"_seconds"},  # Retry-After may be a date
}
VAGUE = {"utils", "util", "helpers", "helper", "common", "constants", "misc", "shared", "base", "tools", "lib"}
# Bags by nature: one line may be refused twice, the same bytes may come again in the same moment.
NO_KEY = {"stg_files__rejected_rows", "stg_ledger__deliveries"}
NO_VENDOR = {"files", "ledger", "reference"}  # staging of what we say ourselves, or of any family of files


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py") if path.stat().st_size)


def written_files() -> Iterator[Path]:
    """All that is written by hand, this file apart: it names what is forbidden."""
    kinds = {".py", ".sql", ".yml", ".yaml", ".md", ".toml", ".csv", ".txt", ".sh", ""}
    inside = (path for folder in (*CODE, "dbt_project", "docs", ".ci") for path in (ROOT / folder).rglob("*"))
    for path in (*ROOT.iterdir(), *inside):
        is_made = path.name == ".coverage" or {"__pycache__", "target", "logs"} & set(path.parts)
        if path.is_file() and path.suffix in kinds and not is_made and path != Path(__file__):
            yield path


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module that a file imports, wherever in it: at the top, for types alone, late, or by name as a text."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
            target = node.args[0]
            found |= {str(target.value)} if isinstance(target, ast.Constant) else set()
    return frozenset(found)


def module(path: Path) -> str:
    return place(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def room(name: str) -> str:
    parts = name.split(".")
    return re.sub("^cli_.*", "cli", parts[1]) if len(parts) > 1 and parts[0] == "orchestration" else ""


def functions_that(path: Path, matches: re.Pattern[str]) -> set[str]:
    """Name the functions (or '') whose attribute accesses match."""
    found: set[str] = set()

    def visit(node: ast.AST, name: str) -> None:
        name = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else name
        if isinstance(node, ast.Attribute) and matches.fullmatch(ast.unparse(node)):
            found.add(name)
        for child in ast.iter_child_nodes(node):
            visit(child, name)

    visit(tree(path), "")
    return found


def test_only_the_orchestration_layer_imports_dagster():
    for path in python_files("orchestration"):
        own = room(module(path))
        wrong = {name for name in imports(path) if name.split(".")[0] == "dagster"}
        assert own in MAY_IMPORT_DAGSTER or not wrong, f"{place(path)} imports {wrong}"


def test_only_the_demo_knows_the_emulators():
    for path in python_files("orchestration"):
        wrong = {name for name in imports(path) if name.split(".")[0] in ("emulators", "tests")}
        assert path.name.startswith("demo") or not wrong, f"{place(path)} imports {wrong}"


def test_a_module_imports_only_from_its_own_room_and_those_before_it():
    rank = {name: number for number, group in enumerate(ROOMS) for name in group}
    for path in python_files("orchestration"):
        own = room(module(path))
        assert own in rank or module(path) == "orchestration", (
            f"{place(path)} stands in no room: say in ROOMS and docs/architecture.md where it belongs"
        )
        for name in imports(path):
            other = room(name)
            if own in rank and other in rank:
                assert rank[other] <= rank[own], f"{place(path)} imports {name}, which stands to its right"


def test_no_import_goes_round_in_a_circle():
    modules = {module(path): path for path in python_files("orchestration")}
    graph = {  # its own package is not a circle: `from package import module` names both
        name: {found for found in imports(path) if found in modules} - {name, name.rpartition(".")[0]}
        for name, path in modules.items()
    }
    open_: list[str] = []
    done: set[str] = set()

    def walk(name: str) -> None:
        assert name not in open_, f"circle: {' → '.join([*open_[open_.index(name) :], name])}"
        if name in done:
            return
        open_.append(name)
        for other in sorted(graph[name]):
            walk(other)
        done.add(open_.pop())

    for name in graph:
        walk(name)


def test_no_vendor_imports_another():
    vendors = {path.parent.name for path in SOURCES.glob("*/__init__.py") if "open_feed" in path.read_text()}
    assert vendors, "no vendor found"
    for vendor in vendors:
        for path in python_files(f"orchestration/sources/{vendor}"):
            found = {name.split(".")[2] for name in imports(path) if name.startswith("orchestration.sources.")}
            assert not found & vendors - {vendor}, f"{place(path)} imports {found & vendors - {vendor}}"


def test_the_environment_is_read_in_one_place():
    for path in python_files("orchestration", "emulators"):
        wrong = functions_that(path, re.compile(r"os\.(environb?|getenv|putenv)"))
        wrong |= {name for name in imports(path) if re.fullmatch(r"os\.(environb?|getenv)", name)}
        assert place(path) in MAY_READ_THE_ENVIRONMENT or not wrong, f"{place(path)} reads the environment in {wrong}"


def test_the_clock_is_read_in_one_place_and_never_by_dbt():
    clock = re.compile(r"(datetime\.)?(datetime|date)\.(now|utcnow|today)")
    for path in python_files("orchestration"):
        if room(module(path)) in ("commands", "cli"):
            continue
        wrong = functions_that(path, clock) - MAY_READ_THE_CLOCK.get(place(path), set())
        assert not wrong, f"{place(path)} reads the clock in {wrong}: take the time as an argument (home.utc_now)"
    sql_clock = re.compile(r"\b(current_date|current_timestamp|current_localtime|now\(|today\(|get_current_t)")
    for path in (ROOT / "dbt_project").rglob("*.sql"):
        assert not sql_clock.search(path.read_text(encoding="utf-8").lower()), f"{place(path)} reads the clock"


def test_files_have_a_charter_a_telling_name_and_an_end():
    for path in python_files(*CODE):
        assert path.stem not in VAGUE, f"{place(path)}: name it after what it holds"
        assert ast.get_docstring(tree(path)), f"{place(path)} does not say in its first lines what belongs in it"
        lines = path.read_text(encoding="utf-8").count("\n")
        assert lines <= LONGEST_FILE, f"{place(path)} has {lines} lines: it holds two things"


def test_functions_are_verbs_that_say_what_comes_back():
    vague = re.compile(r"_?(process|handle|do|manage|perform)_\w+|\w*(util|helper|manager)\w*", re.IGNORECASE)
    for path in python_files("orchestration"):
        names = {getattr(node, "name", "") for node in tree(path).body}  # of functions and classes
        wrong = {name for name in names if vague.fullmatch(name)}
        assert not wrong, f"{place(path)}: {wrong}"


def test_nothing_written_names_a_machine_or_a_registry():
    forbidden = re.compile(
        r"(?<![\w}.*$-])/(work|root|Users|home/[a-z])(/|\b)|pythonhosted|(?<!no-emit-)index-url|/simple/|registry\.npmjs"
    )
    for path in written_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not forbidden.search(line), f"{place(path)}:{number}: {line.strip()[:100]}"


def pages() -> dict[Path, str]:
    found = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
    return {path: path.read_text(encoding="utf-8") for path in found}


def test_every_shipped_feed_is_found_and_has_a_page(tmp_path: Path):
    (tmp_path / "feeds.toml").write_text("[feeds.never_heard_of]\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no feed that ships"):
        load_catalogue(tmp_path)
    text = " ".join(pages().values())
    assert set(shipped_profiles()) <= set(SHIPPED_FEEDS.split())
    for feed in SHIPPED_FEEDS.split():
        (tmp_path / "feeds.toml").write_text(f"[feeds.{feed}]\n", encoding="utf-8")
        told = ""
        try:
            load_catalogue(tmp_path)
        except ConfigurationError as error:  # of a feed that is known but needs an address
            told = str(error)
        assert "no feed that ships" not in told, f"{feed} is in no module of orchestration/sources"
        assert f"`{feed}`" in text, f"no page explains {feed}"


def test_every_key_and_every_rejection_of_a_file_feed_is_explained():
    text = (ROOT / "docs/file-feeds.md").read_text(encoding="utf-8")
    keys = FileProfile.model_fields.keys() | RemoteSettings.model_fields.keys()
    missing = {key for key in keys if f"`{key}`" not in text}
    assert not missing, f"docs/file-feeds.md does not explain {sorted(missing)}"
    reasons = set(re.findall(r"\"([a-z_]+):[a-z_{}]*\"", (SOURCES / "tabular_sql.py").read_text(encoding="utf-8")))
    for name in ("text.py", "tabular.py"):
        code = (SOURCES / name).read_text(encoding="utf-8")
        reasons |= set(re.findall(r"reason(?:, message)? = \"([a-z_]+)\"", code))
    reasons |= {"nonexistent_local_time", "unknown_store", "every_row_rejected"}
    assert len(reasons) > 15
    missing = {reason for reason in reasons if f"`{reason}`" not in text}
    assert not missing, f"docs/file-feeds.md does not explain {sorted(missing)}"


def test_the_command_line_has_the_verbs_of_the_contract_and_every_verb_is_explained():
    verbs = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert verbs >= set(VERBS.split()), f"missing: {sorted(set(VERBS.split()) - verbs)}"
    text = " ".join(pages().values())
    assert not {verb for verb in verbs if f"footfall {verb}" not in text}
    said = set(re.findall(r"`(?:[A-Z_]+=\S+ )?footfall (?:--home \S+ )?([a-z]+)", text))
    assert not said - verbs, f"pages name verbs that are not there: {sorted(said - verbs)}"


def test_pages_lead_somewhere_and_name_targets_that_make_knows():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for path, text in pages().items():
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (path.parent / link).exists(), f"{place(path)} links to {link}"
        for target in re.findall(r"`(?:[A-Z_]+=\S+ )*make ([a-z]+)", text):
            assert target in targets, f"{place(path)} says make {target}"


def test_the_readme_is_short_and_sober():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("\n") < 150
    assert not re.search(r"shields\.io|!\[|roadmap|coming soon", text, re.IGNORECASE)
    for path, page in pages().items():
        assert not re.search("[\U0001f300-\U0001faff\u2600-\u27bf]", page), f"{place(path)} has an emoji"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict:
    home = tmp_path_factory.mktemp("parse")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOOTFALL_HOME", str(home))
        patch.setenv("FOOTFALL_MEMORY_LIMIT", "1GB")
        dbt_runner.build(home, "1GB", command="parse")
    return json.loads((home / "dbt" / "target" / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def models(manifest: dict) -> dict[str, dict]:
    found = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    assert set(CONTRACT) <= set(found), f"marts gone: {sorted(set(CONTRACT) - set(found))}"
    return found


def layer(model: dict) -> str:  # staging, intermediate or marts
    return model["fqn"][1]


def test_a_model_is_named_after_its_layer_and_folder(models: dict[str, dict]):
    for name, model in models.items():
        folder = model["fqn"][2]
        wanted = {"staging": f"stg_{folder}__", "intermediate": f"int_{folder}__", "marts": "(fct|dim)_"}[layer(model)]
        assert re.fullmatch(f"{wanted}[a-z0-9_]+", name), f"{name} stands in {layer(model)}/{folder}"


def test_a_model_says_its_grain_its_owner_and_its_key(manifest: dict, models: dict[str, dict]):
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    keyed = {test["attached_node"] for test in tests if "rows_are_valid" in str(test.get("test_metadata"))}
    for name, model in models.items():
        assert model["description"].startswith("One row per "), f"{name}: its first sentence is the grain"
        assert model["config"]["meta"].get("owner"), f"{name} has no owner under config.meta"
        assert model["config"]["meta"].get("grain"), f"{name} has no grain under config.meta"
        assert model["unique_id"] in keyed or name in NO_KEY, f"{name} has no rows_are_valid test"


def test_sources_are_read_by_staging_alone_and_marts_read_no_vendors_staging(models: dict[str, dict]):
    for name, model in models.items():
        parents = model["depends_on"]["nodes"]
        assert layer(model) == "staging" or not any(p.startswith("source.") for p in parents), f"{name} reads a source"
        if layer(model) == "marts":
            folders = {models[p.split(".")[-1]]["fqn"][2] for p in parents if p.split(".")[-1].startswith("stg_")}
            # reference and ledger are our own; rows that no parser could read have nothing between them and their mart
            allowed = {"reference", "ledger"} | ({"files"} if name == "fct_rejected_row" else set())
            assert folders <= allowed, f"{name} reads staging of {folders - allowed}"


def test_marts_keep_their_contract(models: dict[str, dict]):
    for name, model in models.items():
        if layer(model) == "marts":
            assert model["contract"]["enforced"], f"{name} has no enforced contract"
            assert name in CONTRACT, f"{name} is new: add it to CONTRACT, and a line to CHANGELOG.md"
            assert set(CONTRACT[name].split()) <= set(model["columns"]), f"{name} lost a column of the contract"
            silent = [column for column, told in model["columns"].items() if not told["description"]]
            assert not silent, f"{name}: no description of {silent}"
            final = re.split(r"^select\b", model["raw_code"], flags=re.MULTILINE)[-1].split("\nfrom ")[0]
            assert not re.search(r"(^|[\s,.])\*\s*($|,|exclude|replace)", final), f"{name} ends in a select *"


def test_every_mart_and_everything_it_may_say_is_explained(models: dict[str, dict]):
    text = (ROOT / "docs/read-the-marts.md").read_text(encoding="utf-8")
    for name, model in models.items():
        if layer(model) == "marts":
            assert f"`{name}`" in text, f"docs/read-the-marts.md does not explain {name}"
    for file in (ROOT / "dbt_project/models/marts").rglob("*__models.yml"):
        for values in re.findall(r"\b(?:state|status|reason|flag) in \(([^)]*)\)", file.read_text(encoding="utf-8")):
            for value in re.findall(r"'([a-z_]+)'", values):
                assert f"`{value}`" in text, f"docs/read-the-marts.md does not explain {value}"


def test_a_vendor_has_a_module_a_page_and_tests_of_the_same_word(models: dict[str, dict]):
    vendors = {model["fqn"][2] for model in models.values() if layer(model) == "staging"} - NO_VENDOR
    assert vendors, "no vendor found"
    for vendor in vendors:
        assert (SOURCES / vendor).is_dir() or (SOURCES / f"{vendor}.py").exists(), f"no module for {vendor}"
        assert (ROOT / "docs" / f"{vendor}.md").exists(), f"no docs/{vendor}.md"
        folder = ROOT / "tests/sources"
        assert [*folder.glob(f"test_{vendor}*.py"), *folder.glob(f"{vendor}/test_*")], f"no tests for {vendor}"
    for folder in SOURCES.glob("*/__init__.py"):
        if "open_feed" in folder.read_text(encoding="utf-8"):
            assert folder.parent.name in vendors, f"no staging model for {folder.parent.name}"


def test_every_raw_table_declares_its_columns_so_that_homes_without_the_vendor_build(manifest: dict):
    for source in manifest["sources"].values():
        if source["schema"] == "raw":
            untyped = [name for name, column in source["columns"].items() if not column.get("data_type")]
            assert source["columns"], f"{source['source_name']}.{source['name']} declares no columns"
            assert not untyped, f"{source['source_name']}.{source['name']}: no data_type for {untyped}"
            assert source["description"], f"{source['source_name']}.{source['name']} has no description"


def test_every_model_of_counts_is_in_the_union(models: dict[str, dict]):
    united = set(models["int_traffic__counter_intervals"]["depends_on"]["nodes"])
    for name, model in models.items():
        told = " ".join(model["description"].split())
        if name == "stg_files__counts" or "Columns of stg_files__counts" in told:
            assert model["unique_id"] in united, f"{name} is not in `unioned` of int_traffic__counter_intervals"
