//! The tables: separators, names and patterns of each locale, after the CLDR.

use super::format::{Format, Place};

/// For languages that are not listed: ISO dates.
pub(super) const ROOT: Format = Format {
    tags: &["und"],
    decimal: ".",
    group: ",",
    min_grouping: 1,
    currency: Place::BeforeSpace,
    months: "01 02 03 04 05 06 07 08 09 10 11 12",
    short_months: "01 02 03 04 05 06 07 08 09 10 11 12",
    days: "      ",
    halves: ["AM", "PM"],
    short: "y-MM-dd",
    medium: "y-MM-dd",
    long: "y-MM-dd",
    full: "y-MM-dd",
    time: "HH:mm",
    join: " ",
};

/// Regions before the language that they belong to.
pub(super) const FORMATS: &[Format] = &[
    AR, DE_AT, DE_CH, DE, EN_GB, EN, ES_MX, ES_419, ES, FR_CH, FR, IT, JA, PL, PT_PT, PT, RU, UK,
    ZH,
];

const EN: Format = Format {
    tags: &["en"],
    currency: Place::Before,
    months: "January February March April May June July August September October November December",
    short_months: "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    days: "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    short: "M/d/yy",
    medium: "MMM d, y",
    long: "MMMM d, y",
    full: "EEEE, MMMM d, y",
    time: "h:mm a",
    join: ", ",
    ..ROOT
};

const EN_GB: Format = Format {
    tags: &["en-GB", "en-AU", "en-IE", "en-NZ", "en-ZA", "en-IN"],
    short: "dd/MM/y",
    medium: "d MMM y",
    long: "d MMMM y",
    full: "EEEE, d MMMM y",
    time: "HH:mm",
    ..EN
};

const ES: Format = Format {
    tags: &["es"],
    decimal: ",",
    group: ".",
    min_grouping: 2,
    currency: Place::After,
    months: "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    short_months: "ene feb mar abr may jun jul ago sept oct nov dic",
    days: "lunes martes miércoles jueves viernes sábado domingo",
    short: "d/M/yy",
    medium: "d MMM y",
    long: "d 'de' MMMM 'de' y",
    full: "EEEE, d 'de' MMMM 'de' y",
    time: "H:mm",
    join: ", ",
    ..ROOT
};

const ES_419: Format = Format {
    tags: &[
        "es-419", "es-US", "es-CU", "es-DO", "es-GT", "es-HN", "es-NI", "es-PA", "es-PE", "es-PR",
        "es-SV",
    ],
    decimal: ".",
    group: ",",
    currency: Place::Before,
    ..ES
};

const ES_MX: Format = Format {
    tags: &["es-MX"],
    min_grouping: 1,
    ..ES_419
};

const DE: Format = Format {
    tags: &["de"],
    decimal: ",",
    group: ".",
    currency: Place::After,
    months: "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    short_months: "Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
    days: "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    short: "dd.MM.yy",
    medium: "dd.MM.y",
    long: "d. MMMM y",
    full: "EEEE, d. MMMM y",
    join: ", ",
    ..ROOT
};

const DE_AT: Format = Format {
    tags: &["de-AT"],
    group: "\u{a0}",
    currency: Place::BeforeSpace,
    ..DE
};

const DE_CH: Format = Format {
    tags: &["de-CH", "de-LI"],
    decimal: ".",
    group: "’",
    currency: Place::BeforeSpace,
    ..DE
};

const FR: Format = Format {
    tags: &["fr"],
    decimal: ",",
    group: "\u{202f}",
    currency: Place::After,
    months: "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    short_months: "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    days: "lundi mardi mercredi jeudi vendredi samedi dimanche",
    short: "dd/MM/y",
    medium: "d MMM y",
    long: "d MMMM y",
    full: "EEEE d MMMM y",
    join: ", ",
    ..ROOT
};

const FR_CH: Format = Format {
    tags: &["fr-CH"],
    short: "dd.MM.yy",
    ..FR
};

const RU: Format = Format {
    tags: &["ru"],
    decimal: ",",
    group: "\u{a0}",
    currency: Place::After,
    months: "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    short_months: "янв. февр. мар. апр. мая июн. июл. авг. сент. окт. нояб. дек.",
    days: "понедельник вторник среда четверг пятница суббота воскресенье",
    short: "dd.MM.y",
    medium: "d MMM y 'г'.",
    long: "d MMMM y 'г'.",
    full: "EEEE, d MMMM y 'г'.",
    join: ", ",
    ..ROOT
};

const UK: Format = Format {
    tags: &["uk"],
    months: "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
    short_months: "січ. лют. бер. квіт. трав. черв. лип. серп. вер. жовт. лист. груд.",
    days: "понеділок вівторок середа четвер пʼятниця субота неділя",
    short: "dd.MM.yy",
    medium: "d MMM y 'р'.",
    long: "d MMMM y 'р'.",
    full: "EEEE, d MMMM y 'р'.",
    ..RU
};

const PT: Format = Format {
    tags: &["pt"],
    decimal: ",",
    group: ".",
    currency: Place::BeforeSpace,
    months: "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    short_months: "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.",
    days: "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
    short: "dd/MM/y",
    medium: "d 'de' MMM 'de' y",
    long: "d 'de' MMMM 'de' y",
    full: "EEEE, d 'de' MMMM 'de' y",
    join: ", ",
    ..ROOT
};

const PT_PT: Format = Format {
    tags: &["pt-PT", "pt-AO", "pt-MZ"],
    group: "\u{a0}",
    min_grouping: 2,
    currency: Place::After,
    short: "dd/MM/yy",
    medium: "dd/MM/y",
    ..PT
};

const IT: Format = Format {
    tags: &["it"],
    decimal: ",",
    group: ".",
    currency: Place::After,
    months: "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    short_months: "gen feb mar apr mag giu lug ago set ott nov dic",
    days: "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    short: "dd/MM/yy",
    medium: "d MMM y",
    long: "d MMMM y",
    full: "EEEE d MMMM y",
    join: ", ",
    ..ROOT
};

const PL: Format = Format {
    tags: &["pl"],
    decimal: ",",
    group: "\u{a0}",
    min_grouping: 2,
    currency: Place::After,
    months: "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    short_months: "sty lut mar kwi maj cze lip sie wrz paź lis gru",
    days: "poniedziałek wtorek środa czwartek piątek sobota niedziela",
    short: "d.MM.y",
    medium: "d MMM y",
    long: "d MMMM y",
    full: "EEEE, d MMMM y",
    join: ", ",
    ..ROOT
};

const JA: Format = Format {
    tags: &["ja"],
    currency: Place::Before,
    days: "月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日",
    short: "y/MM/dd",
    medium: "y/MM/dd",
    long: "y年M月d日",
    full: "y年M月d日EEEE",
    time: "H:mm",
    ..ROOT
};

const ZH: Format = Format {
    tags: &["zh"],
    currency: Place::Before,
    days: "星期一 星期二 星期三 星期四 星期五 星期六 星期日",
    short: "y/M/d",
    medium: "y年M月d日",
    long: "y年M月d日",
    full: "y年M月d日EEEE",
    ..ROOT
};

const AR: Format = Format {
    tags: &["ar"],
    currency: Place::After,
    months: "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
    days: "الاثنين الثلاثاء الأربعاء الخميس الجمعة السبت الأحد",
    halves: ["ص", "م"],
    short: "d\u{200f}/M\u{200f}/y",
    medium: "dd\u{200f}/MM\u{200f}/y",
    long: "d MMMM y",
    full: "EEEE، d MMMM y",
    time: "h:mm a",
    join: "، ",
    ..ROOT
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Locale;
    use crate::template::locale::{Decimal, Moment};
    use jiff::tz::TimeZone;
    use serde_json::json;

    fn format(tag: &'static str) -> &'static Format {
        Format::of(&Locale::new(tag))
    }

    #[test]
    fn numbers_and_amounts_are_written_as_readers_know_them() {
        for (tag, number, amount) in [
            ("en", "1,234.50", "€1,234.50"),
            ("en-GB", "1,234.50", "€1,234.50"),
            ("es", "1234,50", "1234,50\u{a0}€"),
            ("es-MX", "1,234.50", "€1,234.50"),
            ("fr", "1\u{202f}234,50", "1\u{202f}234,50\u{a0}€"),
            ("de", "1.234,50", "1.234,50\u{a0}€"),
            ("de-CH", "1’234.50", "€\u{a0}1’234.50"),
            ("ru", "1\u{a0}234,50", "1\u{a0}234,50\u{a0}€"),
            ("pt-BR", "1.234,50", "€\u{a0}1.234,50"),
            ("pt-PT", "1234,50", "1234,50\u{a0}€"),
            ("xx", "1,234.50", "€\u{a0}1,234.50"),
        ] {
            let value = Decimal::read(&json!("1234.5"))
                .expect("a number")
                .rounded(2);
            assert_eq!(format(tag).number(&value), number, "{tag}");
            assert_eq!(format(tag).currency(&value, "EUR", None), amount, "{tag}");
        }
        let minus = Decimal::read(&json!(-1234567)).expect("a number");
        assert_eq!(format("en").number(&minus), "-1,234,567");
        assert_eq!(format("en").currency(&minus, "JPY", None), "-¥1,234,567");
        assert_eq!(
            format("en").currency(&minus, "CHF", None),
            "-CHF\u{a0}1,234,567.00"
        );
        assert_eq!(format("es").number(&minus), "-1.234.567");
    }

    #[test]
    fn dates_are_written_as_readers_know_them() {
        // Thursday; 15:04 in UTC.
        let moment = Moment::read(&json!("2026-03-05T15:04:05Z"), &TimeZone::UTC).expect("reads");
        for row in [
            "en|3/5/26|Mar 5, 2026|March 5, 2026|Thursday, March 5, 2026|Mar 5, 2026, 3:04 PM",
            "en-GB|05/03/2026|5 Mar 2026|5 March 2026|Thursday, 5 March 2026|5 Mar 2026, 15:04",
            "es|5/3/26|5 mar 2026|5 de marzo de 2026|jueves, 5 de marzo de 2026|5 mar 2026, 15:04",
            "fr|05/03/2026|5 mars 2026|5 mars 2026|jeudi 5 mars 2026|5 mars 2026, 15:04",
            "de|05.03.26|05.03.2026|5. März 2026|Donnerstag, 5. März 2026|05.03.2026, 15:04",
            "ru|05.03.2026|5 мар. 2026 г.|5 марта 2026 г.|четверг, 5 марта 2026 г.|5 мар. 2026 г., 15:04",
            "uk|05.03.26|5 бер. 2026 р.|5 березня 2026 р.|четвер, 5 березня 2026 р.|5 бер. 2026 р., 15:04",
            "pt-BR|05/03/2026|5 de mar. de 2026|5 de março de 2026|quinta-feira, 5 de março de 2026|5 de mar. de 2026, 15:04",
            "it|05/03/26|5 mar 2026|5 marzo 2026|giovedì 5 marzo 2026|5 mar 2026, 15:04",
            "pl|5.03.2026|5 mar 2026|5 marca 2026|czwartek, 5 marca 2026|5 mar 2026, 15:04",
            "ja|2026/03/05|2026/03/05|2026年3月5日|2026年3月5日木曜日|2026/03/05 15:04",
            "zh-Hans|2026/3/5|2026年3月5日|2026年3月5日|2026年3月5日星期四|2026年3月5日 15:04",
            "xx|2026-03-05|2026-03-05|2026-03-05|2026-03-05|2026-03-05 15:04",
        ] {
            let (tag, expected) = row.split_once('|').expect("a row");
            let format = Format::of(&Locale::from(tag));
            let names = ["short", "medium", "long", "full", "datetime"];
            let written = names.map(|name| format.date(&moment, name).expect("a format"));
            assert_eq!(written.join("|"), expected, "{tag}");
        }
        assert_eq!(
            format("ar").date(&moment, "long").expect("a format"),
            "5 مارس 2026"
        );
        assert_eq!(format("en").date(&moment, "iso"), None);
    }

    #[test]
    fn the_reader_sees_the_time_of_their_own_zone() {
        let zone = TimeZone::get("America/Sao_Paulo").expect("bundled");
        let late = Moment::read(&json!("2026-03-06T01:30:00Z"), &zone).expect("reads");
        assert_eq!(
            format("en").date(&late, "datetime").expect("a format"),
            "Mar 5, 2026, 10:30 PM"
        );
        let micros = Moment::read(&json!(0), &TimeZone::UTC).expect("reads");
        assert_eq!(
            format("en").date(&micros, "datetime").expect("a format"),
            "Jan 1, 1970, 12:00 AM"
        );
    }

    #[test]
    fn a_day_is_the_same_day_in_every_zone() {
        let zone = TimeZone::get("America/Sao_Paulo").expect("bundled");
        let day = Moment::read(&json!("2026-03-05"), &zone).expect("reads");
        assert_eq!(
            format("en").date(&day, "datetime").expect("a format"),
            "Mar 5, 2026"
        );
        assert_eq!(format("en").date(&day, "time"), None);
        for bad in [
            json!("yesterday"),
            json!("2026-13-05"),
            json!("2026-03-05T10:00:00"),
            json!(null),
            json!(1.5),
        ] {
            assert!(Moment::read(&bad, &zone).is_none(), "{bad}");
        }
    }

    #[test]
    fn every_table_is_found_by_each_of_its_tags() {
        for expected in FORMATS {
            for tag in expected.tags {
                assert_eq!(format(tag).tags, expected.tags, "{tag}");
            }
        }
    }
}
