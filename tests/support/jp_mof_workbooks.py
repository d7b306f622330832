"""Write the samples of ``jp_mof_xlsx``: invented parties in the shape of Japan's list, a trap each. The regimes' names
are those of the list.

.venv/bin/python -m tests.support.jp_mof_workbooks
"""

# The list's own signs are full-width.
# ruff: noqa: RUF001

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from taxii_hub.mapping.workbook import Cell, workbook

FOLDER: Final = Path(__file__).resolve().parents[2] / "mappings" / "jp_mof_xlsx" / "samples"
Sheet = list[Sequence[Cell]]
_FIRST: Final = ("告示日付", "告示番号", "日本語表記", "英語表記")
TALIBAN: Final = "2.タリバーン関係者等"
G7: Final = "3.テロリスト等 (1)"
_INDEX: Final[Sheet] = [
    (None, "\u3000このファイルは、資産凍結等の措置の情報をExcel形式にしたものです。\u3000\u3000"),
    (1, "ミロシェビッチ前ユーゴスラビア大統領及び関係者"),
    (2, "タリバーン関係者等"),
]
_LIFTED: Final[Sheet] = [("リベリア前政権の高官又はその関係者等",), ("【2015年12月18日告示廃止】",)]
_MILOSEVIC: Final[Sheet] = [
    ("ミロシェビッチ前ユーゴスラビア大統領及び関係者",),
    (*_FIRST, "生年月日・出生地", "その他の情報"),
    (
        "2002.3.1", 1, "レンノヴィッチ・ヴラド", "Rennovic Vlado",
        "1941年8月20日セルビア共和国ラルチ生\nBorn at Larch, Republic of Serbia, on 20 August 1941",
        "前大臣\nFormer Minister",
    ),
    ("2002.3.1", 2, "レンノヴィッチ・アナ", "Rennovic Ana", "1970年生\nBorn 1970", "１．に指定した個人の娘\nDaughter"),
]  # fmt: skip
_TALIBAN: Final[Sheet] = [
    ("タリバーン関係者等\n（タリバーン、アル・カーイダ等）", None, None, "（注1）告示番号の冒頭に＊印を付しています。"),
    (
        *_FIRST, "別名・別称", "旧称", "確定に十分でない別名", "称号", "役職", "生年月日", "出生地・出身地", "国籍",
        "旅券番号", "ID番号", "住所・所在地", "国連制裁員会による指定日", "国連参照番号", "その他の情報",
    ),
    ("2011.11.18削除", "1"),
    (
        "2001.9.22\n2008.6.25改訂\n2013.9改訂\n", "2", "ハッサン・クイルフェザー",
        "HASSAN QUILLFEATHER\n(original script: حسن كويلفيذر )",
        "(a)ハサン・クイル（b）ＨＱ\n (a.k.a.: (a)Hasan Quill (b)Haj Quill)", "不明",
        "キール Keel", "(a)Mullah（ムラー） (b)Haji（ハッジ）",
        "(a)（タリバーン統治下）Minister of Ponds （池大臣）(b)顧問",
        "(a)1955年-1958年頃\n(b)１945年", "(a)Larch village, Afghanistan\n(b)カブール", "アフガニスタン",
        "(a)OA1234567 (b)パキスタン旅券番号\u3000P42（2001年1月2日発行）", "アフガニスタン国民ＩＤカード番号：4711",
        "(a)カブール、アフガニスタン (b)古い水車小屋の近く",
        "2001年1月25日（2003年9月3日及び2011年11月29日に改訂）", "QDi.901",
        "ラーチ（４．に指定した個人）の協力者。2009年12月現在、池評議会のメンバー。",
    ),
    ("2011.11.18削除\n（２．と同一人物）", "3"),
    (
        "2012.3.27", "*4", "ラーチ", "LARCH", None, None, "不明", "不明", "不明", date(1961, 2, 3), "不明", "不明",
        "不明", "不明", "不明", date(2012, 3, 1), None, "安全保障理事会決議に基づく見直しは2010年に終了した。",
    ),
    (
        "2015.10.2", 5, "レンの池協会", "WREN POND SOCIETY", "ダブリュー・ピー・エス（Double Pond Society）",
        "(a)池協会\n(f.k.a.: (a)Pond Society)", None, None, None, None, None, None, None, None, "マリ", None, None, None,
    ),
]  # fmt: skip
_G7: Final[Sheet] = [
    ("テロリスト等",),
    (None, None, "（注）*に続く数字は、同決議に基づく資産凍結措置リストにおける告示番号である。"),
    (*_FIRST, "別名", "旧称・以前の呼称", "生年月日", "国籍", "所在地", "その他の情報"),
    (
        "2002.7.5", "7(*2)", "ハッサン・クイルフェザー", "Hassan Quillfeather", "不明", "不明", "不明",
        "不明", "不明", None,
    ),
]  # fmt: skip
_US: Final[Sheet] = [
    ("テロリスト等",),
    (*_FIRST, "別名・別称", "生年月日", "国籍"),
    (
        "2023.10.31",
        "1",
        "ロビン・アッシュ",
        "Robin ASH",
        "アッシュ、ロビン\nASH, Robin",
        date(1972, 6, 12),
        "パレスチナ",
    ),
]
_KOREA: Final[Sheet] = [
    ("北朝鮮に関連する国際連合安全保障理事会決議に基づく資産凍結等の措置の対象となる者（団体）",),
    ("（注１）*で標記した団体は、別の措置の対象者にも指定されている。",),
    (*_FIRST, "別称・旧称", "所在地", "その他の情報"),
    (
        "2009.5.22", "*1", "ヨルダ第2貿易会社", "Yolda No. 2 Trading Corporation",
        "（別称）ヨルダ貿易\nYolda Trading；（旧称、2001年まで）ヨルダ商会", "北朝鮮平壌特別市", "ＩＭＯ番号：9000017",
    ),
    ("2013.5.10", "2", "クムビ交易", "Kumbi Trading", None, "中華人民共和国\nChina", None),
]  # fmt: skip
_CONCERTED: Final[Sheet] = [
    ("国際平和のための国際的な努力に我が国として寄与するための措置",),
    (*_FIRST, "別称・旧称", "所在地", "その他の情報"),
    ("2016.12.9", "3(#2)", "クムビ交易", "Kumbi Trading", None, None, None),
]
_SYRIA: Final[Sheet] = [
    ("シリアのアル・アサド大統領及びその関係者等（団体）",),
    (*_FIRST, "住所・所在地", "電話", "FAX"),
    (
        "2011.9.9", 1, "レン総合池局", "Wren General Ponds Directorate", "シリア・アラブ共和国、ダマスカス",
        "＋963－11－000、\n＋963－11－001", "+963-11-002",
    ),
]  # fmt: skip
_SOMALIA: Final[Sheet] = [
    ("ソマリアに対する武器禁輸措置等に違反した者等",),
    (*_FIRST, "別称・別名", "役職", "活動地域・住所", "生年月日", "その他の情報"),
    (
        "2010.6.25",
        "1",
        "アル・イケ",
        "AL-IKE",
        "イケ団",
        None,
        "ソマリア",
        None,
        "アル・イケは、2008年に結成された。",
    ),
    (None, None, None, None, None, None, None, None, "また、2009年の記事によれば、池を占拠した。"),
    (None, None, None, None, None, None, None, None, "（続く）"),
    (
        "2010.6.25",
        "2",
        "アリ・レン",
        "Ali Wren",
        None,
        "不明",
        "スウェーデン（リンケビー）",
        "不明",
        "別の国籍：スウェーデン",
    ),
]
_HAITI: Final[Sheet] = [
    ("ハイチにおける平和等を脅かす行為等に関与した者等（個人）",),
    (*_FIRST, "国連参照番号", "確定可能な別名", "肩書", "役職", "旅券番号", "身分登録番号", "電話番号", "指定の根拠"),
    (
        "2022.11.11\n2023.4.6改訂", "1", "ジミー・ラーチ", "Jimmy Larch", "HTi.901", "(a)ラーチ兄（Larch Senior）",
        "元警察官", "不明", "不明", "001-000-000-7(ハイチ共和国)", "+509-000", "池での行為。",
    ),
    ("2023.4.6", "2", "ジョー", None, None, None, None, None, None, None, None, "(b)段落に基づく。"),
]  # fmt: skip
_DATES: Final[tuple[Cell, ...]] = (
    date(1967, 4, 29), "1967年4月29日 ", "１９６６年頃", "おおよそ1964年", "1990年5月", "1963年から1965年の間",
    "1979年から1982年頃、または1982年", "(a)1966年8月28日、(b)おおよそ1967年", "1966/2/2", "1957年から1962年までの間",
    "1960年11月11日又は1961年", "1402年6月24日（ヒジュラ暦）",
)  # fmt: skip
COUNTRIES: Final = (
    "アフガニスタン", "アメリカ合衆国", "アラブ首長国連邦", "アルジェリア", "イエメン", "イギリス", "イスラエル", "イタリア",
    "イラク", "イラン Iran", "インド", "インドネシア（2003年12月時点）", "ウガンダ共和国", "ウクライナ", "ウズベキスタン", "エジプトEgypt",
    "エチオピア", "エリトリア国", "カタール", "カナダ", "キルギス", "クウェイト", "クウェート", "グルジア", "ケニア",
    "コンゴ民主共和国", "コンゴ共和国", "サウジアラビア", "サウディ・アラビア", "シリア", "シリア・アラブ共和国", "シンガポール",
    "ジョージア", "スイス", "スウェーデン", "スーダン共和国", "スロバキア共和国", "セネガル", "セルビア", "ソマリア", "タイ",
    "タジキスタン", "タンザニア", "チャド共和国", "チュニジア", "トリニダード・トバゴ", "トルコ", "ドイツ", "ナイジェリア",
    "ノルウェー", "ハイチ共和国", "パキスタン", "パレスチナ", "フィリピン", "フランス", "ベラルーシ", "ボスニア・ヘルツェゴビナ",
    "マリ", "マレーシア", "モロッコ", "モーリタニア", "ヨルダン", "リビア", "ルワンダ共和国", "レバノン", "ロシア", "ロシア連邦",
    "中央アフリカ共和国", "中国", "中華人民共和国", "北朝鮮", "南スーダン", "英国", "米国", "Egypt",
)  # fmt: skip


def _spellings() -> Sheet:
    rows: Sheet = [("シリアのアル・アサド大統領及びその関係者等（個人）",), (*_FIRST, "生年月日", "国籍")]
    rows += [("2011.9.9", number, None, f"Linnet {number}", words) for number, words in enumerate(_DATES, 1)]
    rows.append(("2011.9.9", 50, "紋次郎", "Monjiro", None, "；".join(COUNTRIES)))
    return rows


_ODD: Final[Sheet] = [
    (
        "コンゴ民主共和国に対する武器禁輸措置等に違反した者等（個人）",
        None,
        None,
        None,
        None,
        None,
        None,
        "余白",
    ),
    (*_FIRST, "生年月日", "生年月日・出生地", "国籍", "色"),
    ("2013.2.27", "1", "オド・セル", "ODD CELL", "1983年2(3)月10日", None, "エチオピアと思われる", "青"),
    ("2013.2.27", None, "番号無し", "NO NUMBER"),
    ("2013.2.27", "第2", "番号違い", "WRONG NUMBER"),
    ("2013.2.27", "3", None, None),
    ("2013.13.40", "4", "日付違い", "WRONG DAY", "1983年2月30日", "生地不明", None),
    ("2013.2.27", "5", None, "(original script: حسن )", "1990年から1980年の間", None, None),
]


def samples() -> dict[str, bytes]:
    """File name → workbook."""
    return {
        "persons.xlsx": workbook(
            {
                "一覧": _INDEX,
                "1.ミロシェビッチ前ユーゴ大統領関係者": _MILOSEVIC,
                TALIBAN: _TALIBAN,
                G7: _G7,
                "4.テロリスト等 (2)": _US,
                "8.【解除】リベリア": _LIFTED,
            }
        ),
        "organisations.xlsx": workbook(
            {
                "14.北朝鮮(決議1718号等；団体) ": _KOREA,
                "16.北朝鮮(協調；団体)": _CONCERTED,
                "21.ソマリア": _SOMALIA,
                "25.シリア（団体）": _SYRIA,
                "42.ハイチ共和国（個人）": _HAITI,
            }
        ),
        "spellings.xlsx": workbook({"24.シリア（個人）": _spellings()}),
        "odd_cells.xlsx": workbook({"9.コンゴ民主共和国（個人）": _ODD, "45.新しい措置": [("題",)]}),
    }


def main() -> None:
    """Write every sample."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in samples().items():
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
