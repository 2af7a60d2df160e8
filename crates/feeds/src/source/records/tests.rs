//! Tests of records.

use super::*;

const CSV: Syntax = Syntax {
    separator: b',',
    quoting: true,
    width: 3,
};

fn read(text: &[u8], syntax: Syntax) -> Vec<(u64, Result<Vec<String>, RecordError>)> {
    let mut records = Records::new(text, syntax);
    let mut read = Vec::new();
    while let Some(record) = records.next_record().unwrap() {
        read.push((record.line, record.values.map(|values| values.values)));
    }
    read
}

fn row(line: u64, values: &[&str]) -> (u64, Result<Vec<String>, RecordError>) {
    (line, Ok(values.iter().map(|value| (*value).to_owned()).collect()))
}

fn unclosed(line: u64) -> (u64, Result<Vec<String>, RecordError>) {
    (line, Err(RecordError::UnclosedQuote(line)))
}

#[test]
fn reads_quoted_values_and_counts_all_kinds_of_line_breaks() {
    let text = b"a,\"b,c\",\"say \"\"hi\"\"\"\r\n\n1,\"two\nlines\",3\r4,5\" x,\n6,,\"7\" ";
    let rows = [
        row(1, &["a", "b,c", "say \"hi\""]),
        row(3, &["1", "two\nlines", "3"]),
        row(5, &["4", "5\" x", ""]),
        row(6, &["6", "", "7"]),
    ];
    assert_eq!(read(text, CSV), rows);
}

#[test]
fn an_unclosed_quote_ends_with_its_line() {
    let text = b"1,\"lamp,2\n3,chair,4\n5,desk,6\n";
    let rows = [
        unclosed(1),
        row(2, &["3", "chair", "4"]),
        row(3, &["5", "desk", "6"]),
    ];
    assert_eq!(read(text, CSV), rows);
    assert_eq!(read(b"1,2,\"3", CSV), [unclosed(1)]);
}

#[test]
fn an_unclosed_quote_does_not_swallow_rows_up_to_the_next_quote() {
    for next in ["4,24\" tv,7", "4,\"tv\",7", "4,tv 24\",7"] {
        let text = format!("1,\"lamp,2\n3,chair,4\n{next}\n");
        let rows = read(text.as_bytes(), CSV);
        assert_eq!(rows[..2], [unclosed(1), row(2, &["3", "chair", "4"])], "{next}");
        assert_eq!(rows.len(), 3, "{next}");
    }
}

#[test]
fn an_unclosed_quote_after_a_multi_line_value_ends_with_its_line() {
    let text = b"1,\"a\nb\",\"c\n2,d,e\n";
    let rows = read(text, CSV);
    assert_eq!(rows[0], (1, Err(RecordError::UnclosedQuote(2))));
    assert_eq!(rows[1], row(3, &["2", "d", "e"]));
}

#[test]
fn a_text_after_a_closing_quote_is_malformed() {
    let rows = read(b"1,\"24in\" tv,2\n3,b,4\n", CSV);
    assert_eq!(rows[0], (1, Err(RecordError::TextAfterQuote(1))));
    assert_eq!(rows[1], row(2, &["3", "b", "4"]));
}

#[test]
fn without_quoting_a_quote_is_a_character() {
    let syntax = Syntax {
        separator: b'\t',
        quoting: false,
        width: 2,
    };
    let rows = [row(1, &["1", "\"a"]), row(2, &["2", "\"b\""])];
    assert_eq!(read(b"1\t\"a\n2\t\"b\"\n", syntax), rows);
}

#[test]
fn an_invalid_byte_spoils_one_record_and_is_found_by_line_and_column() {
    let rows = read(b"1,a\n2,\"\xc3\xbc\nb\xff\",3\n4,c\n", CSV);
    let error = RecordError::InvalidByte { line: 3, column: 2 };
    assert_eq!(rows, [row(1, &["1", "a"]), (2, Err(error)), row(4, &["4", "c"])]);
}

#[test]
fn a_record_that_is_too_long_is_skipped() {
    let mut text = b"1,".to_vec();
    text.resize(3 * MAX_RECORD, b'x');
    text.extend_from_slice(b"\r\n2,b\n");
    let rows = read(&text, CSV);
    assert_eq!(rows, [(1, Err(RecordError::TooLong)), row(2, &["2", "b"])]);
}
