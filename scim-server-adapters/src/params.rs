//! The query of a URL (RFC 7644 §3.4.2, §3.9).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use scim_core::{Result, ScimError, SearchRequest, SortOrder, shorten};

/// Reads the parameters of a query. `+` is a space, empty parts are skipped, names that SCIM does
/// not define are ignored, and its own are compared without regard to case.
///
/// # Errors
/// 400 `invalidSyntax` when it is not percent-encoded UTF-8 or holds U+0000, 400 `invalidValue`
/// when a number is none, `sortOrder` is unknown, or a parameter with one value is given twice.
pub(crate) fn parse(query: &str) -> Result<SearchRequest> {
    let mut request = SearchRequest::default();
    for part in query.split(['&', '?']).filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("attributes") {
            request.attributes.extend(names(&value));
        } else if is("excludedAttributes") {
            request.excluded_attributes.extend(names(&value));
        } else if is("filter") {
            once(&mut request.filter, &name, value.into_owned())?;
        } else if is("sortBy") {
            once(&mut request.sort_by, &name, value.into_owned())?;
        } else if is("sortOrder") {
            let order = SortOrder::from_keyword(&value).ok_or_else(|| {
                let value = shorten(&value);
                ScimError::invalid_value(format!(
                    "`sortOrder` is `{value}`, not one of `ascending`, `descending`"
                ))
            })?;
            once(&mut request.sort_order, &name, order)?;
        } else if is("startIndex") {
            once(&mut request.start_index, &name, integer(&name, &value)?)?;
        } else if is("count") {
            once(&mut request.count, &name, integer(&name, &value)?)?;
        } else if is("cursor") {
            once(&mut request.cursor, &name, value.into_owned())?;
        }
    }
    Ok(request)
}

fn decode(text: &str) -> Result<Cow<'_, str>> {
    let refused = |what| ScimError::invalid_syntax(format!("the query of the URL {what}"));
    let spaced =
        if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    let decoded = match spaced {
        Cow::Borrowed(text) => percent_decode_str(text).decode_utf8(),
        Cow::Owned(text) => percent_decode_str(&text).decode_utf8().map(|t| t.into_owned().into()),
    }
    .map_err(|_| refused("is not percent-encoded UTF-8"))?;
    if decoded.contains('\0') {
        return Err(refused("holds U+0000"));
    }
    Ok(decoded)
}

fn names(list: &str) -> impl Iterator<Item = String> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}

fn integer(name: &str, value: &str) -> Result<i64> {
    value.trim().parse().map_err(|_| {
        ScimError::invalid_value(format!("`{name}` is `{}`, not an integer", shorten(value)))
    })
}

fn once<T>(slot: &mut Option<T>, name: &str, value: T) -> Result<()> {
    if slot.replace(value).is_some() {
        return Err(ScimError::invalid_value(format!("`{name}` is given twice")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plus_and_percent_20_are_spaces_and_percent_2b_is_a_plus() {
        let request = parse("filter=userName+eq%20%22a%2Bb%22&").unwrap();
        assert_eq!(request.filter.as_deref(), Some(r#"userName eq "a+b""#));
    }

    #[test]
    fn lists_are_split_and_gathered() {
        let request = parse("attributes=userName,%20emails&attributes=name").unwrap();
        assert_eq!(request.attributes, ["userName", "emails", "name"]);
    }

    #[test]
    fn a_parameter_with_one_value_given_twice_is_refused() {
        assert!(parse("count=1&COUNT=2").is_err());
    }

    #[test]
    fn what_is_not_utf_8_is_refused() {
        assert_eq!(parse("filter=%ff").unwrap_err().status(), 400);
        assert_eq!(parse("filter=%00").unwrap_err().status(), 400);
    }
}
