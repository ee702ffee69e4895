//! Markdown within a limit of bytes, for places that refuse longer texts. What is left out is counted and said.

/// Cuts `text` before the line that would not fit, and says how many lines and bytes are missing.
///
/// # Edge cases
///
/// The remark itself counts. A limit too small for it gives the remark alone.
#[must_use]
pub fn cut(text: &str, most: Option<usize>) -> String {
    let Some(most) = most.filter(|most| text.len() > *most) else { return text.to_owned() };
    let remark = |kept: usize, fence: &str| {
        let lines = text[kept..].lines().filter(|line| !line.is_empty()).count();
        // What is cut off within a block of code must not leave the block open.
        let close = if fence.is_empty() { String::new() } else { format!("{fence}\n") };
        format!(
            "{close}\nCut here: {lines} lines ({} bytes) more are on the page itself.\n",
            text.len() - kept
        )
    };
    let (mut kept, mut open) = (0, "");
    for line in text.split_inclusive('\n') {
        let next = kept + line.len();
        let after = fence_after(open, line);
        if next + remark(next, after).len() > most {
            break;
        }
        (kept, open) = (next, after);
    }
    let rest = remark(kept, open);
    format!("{}{}", &text[..kept], if kept == 0 { rest.trim_start() } else { &rest })
}

/// The fence of the block of code that is open behind `line`; empty for none.
fn fence_after<'a>(open: &'a str, line: &'a str) -> &'a str {
    let ticks = line.len() - line.trim_start_matches('`').len();
    match (open, line.trim_end()) {
        ("", _) if ticks >= 3 => &line[..ticks],
        (open, line) if open == line => "",
        (open, _) => open,
    }
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

    #[test]
    fn a_block_of_code_is_closed_where_it_is_cut() {
        let code: String = (0..100).map(|line| format!("code {line}\n")).collect();
        let text = format!("before\n\n````text\n```\n{code}````\n\nafter\n");
        let short = cut(&text, Some(300));
        assert!(short.len() <= 300 && short.contains("\n````\n\nCut here: "), "{short}");
        let without = cut(&text.replace(&code, ""), Some(30));
        assert!(!without.contains("````\n````"), "{without}");
        let all = format!("{text}{}", "x\n".repeat(100));
        let behind = cut(&all, Some(all.len() - 1));
        assert_eq!(behind.lines().filter(|line| *line == "````").count(), 1, "{behind}");
    }
}
