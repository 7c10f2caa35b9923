//! Signs of currencies, and how many decimals they have (ISO 4217).

/// The sign of a currency, where readers know one; otherwise its code.
pub(super) fn sign<'a>(code: &'a str, tag: &str) -> &'a str {
    match code {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        "JPY" => "¥",
        "CNY" if tag == "zh" => "¥",
        "CNY" => "CN¥",
        "RUB" => "₽",
        "UAH" => "₴",
        "PLN" => "zł",
        "BRL" => "R$",
        "INR" => "₹",
        "KRW" => "₩",
        "ILS" => "₪",
        "VND" => "₫",
        "TRY" => "₺",
        "KZT" => "₸",
        "MXN" if tag == "es-MX" => "$",
        "MXN" => "MX$",
        "CAD" => "CA$",
        "AUD" => "A$",
        other => other,
    }
}

/// How many decimals an amount has.
pub(super) fn decimals(code: &str) -> usize {
    match code {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}
