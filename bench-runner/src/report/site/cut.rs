//! Markdown within a limit of bytes, for places that refuse longer texts. What is left out is counted and said.

/// Cuts `text` before the line that would not fit, and says how many lines and bytes are missing.
///
/// # Edge cases
///
/// The remark itself counts. A limit too small for it gives the remark alone.
#[must_use]
pub fn cut(text: &str, most: Option<usize>) -> String {
    let Some(most) = most.filter(|most| text.len() > *most) else { return text.to_owned() };
    let remark = |kept: usize| {
        let lines = text[kept..].lines().filter(|line| !line.is_empty()).count();
        format!("\nCut here: {lines} lines ({} bytes) more are on the page itself.\n", text.len() - kept)
    };
    let mut kept = 0;
    for line in text.split_inclusive('\n') {
        let next = kept + line.len();
        if next + remark(next).len() > most {
            break;
        }
        kept = next;
    }
    let rest = remark(kept);
    format!("{}{}", &text[..kept], if kept == 0 { rest.trim_start() } else { &rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_counted_and_the_limit_holds() {
        let text: String = (0..100).map(|line| format!("line {line}\n")).collect();
        assert_eq!(cut(&text, None), text);
        assert_eq!(cut(&text, Some(text.len())), text);
        let short = cut(&text, Some(200));
        assert!(short.len() <= 200, "{}", short.len());
        let shown = short.lines().filter(|line| line.starts_with("line ")).count();
        assert!(short.contains(&format!("Cut here: {} lines", 100 - shown)), "{short}");
        assert!(cut(&text, Some(1)).starts_with("Cut here: 100 lines"));
    }
}
