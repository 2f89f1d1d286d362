//! Where one document ends and the next begins.

use super::Source;

/// Whether there are more documents than the first, which [`parse`](super::parse) does not read.
pub fn has_more_documents(source: &Source) -> bool {
    end_of_first(&source.text) < source.text.len()
}

/// Where the second document begins: at a marker behind some content. A line that begins with one is never anything
/// else in YAML.
pub(super) fn end_of_first(text: &str) -> usize {
    let (mut at, mut begun) = (0, false);
    for line in text.split_inclusive('\n') {
        let behind = line.strip_prefix("---").filter(|rest| !rest.starts_with(|c: char| !c.is_whitespace()));
        if behind.is_some() && begun {
            return at;
        }
        let content = behind.unwrap_or(line).trim();
        begun = begun || behind.is_some() || !(content.is_empty() || content.starts_with(['#', '%']));
        at += line.len();
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_document_ends_at_a_marker_behind_it() {
        for text in ["---\na: 1\n", "# note\na: 1\n", "%YAML 1.2\n---\na: |\n  ---\nb: ---c\n"] {
            assert_eq!(end_of_first(text), text.len(), "{text}");
            assert_eq!(end_of_first(&format!("{text}--- # next\nb: [\n")), text.len(), "{text}");
        }
        assert!(has_more_documents(&Source::new("a", "a\n---")));
    }
}
