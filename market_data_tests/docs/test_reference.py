"""The configuration reference is what the models say."""

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from market_data.domain.ports.source import SourceInfo
from market_data.settings import Alerts, Feed
from market_data.settings.reference import reference
from market_data.sources import catalog

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "configuration.md"


class Options(BaseModel):
    model_config = ConfigDict(frozen=True)

    depth: int | None = Field(default=None, gt=0, description="How deep | how wide.")


def test_the_committed_page_is_what_the_models_give():
    assert PAGE.read_text(encoding="utf-8") == reference(catalog()), "run `make docs`"


def test_every_key_of_every_model_is_told():
    page = reference(catalog())
    models = [Feed, Alerts, *(source.options for source in catalog().values())]
    keys = {name for model in models for name in model.model_fields} - {"name"}
    assert [key for key in keys if not re.search(rf"\| `{key}[`.\[]", page)] == []


def test_a_bar_in_a_description_does_not_end_the_cell():
    page = reference({"deep": SourceInfo("deep", Options, ("trades",), "A deep one.")})
    assert "| `depth` | whole number, more than 0 |  | How deep \\| how wide. |" in page


def test_a_kind_of_candle_is_told_with_the_timeframes_that_it_takes():
    assert "| `tick` | a tick bar is a whole number of trades followed by t, such as '100t' or '3t' |" in reference({})
