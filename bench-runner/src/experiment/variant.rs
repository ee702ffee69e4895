//! `NAME:key=value,key=value`: how the code of one arm is made, as words of the command line.
//!
//! A value that holds a comma is written in double quotes; within quotes, `\"` and `\\` stand for themselves.

use crate::error::CliError;
use crate::exit_code;
use crate::model::experiment::Variant;

/// The keys, for messages.
const KEYS: &str = "rev, run, rustflags, cfg, features, profile, profile.SETTING, env.NAME, affinity";

/// Reads a variant.
///
/// `rev=REV`, `run=RUN` (resolved by `resolve`), `rustflags=WORDS` (separated by blanks, may repeat), `cfg=NAME` (may
/// repeat; as `--cfg NAME`), `features=A+B`, `profile=NAME`, `profile.SETTING=VALUE` (for example `profile.lto=fat`),
/// `env.NAME=VALUE`, `affinity=0+1`.
///
/// # Errors
///
/// A usage error that names the part that cannot be read.
///
/// # Examples
/// ```
/// let no_runs = |text: &str| unreachable!("{text}");
/// let variant = bench_runner::experiment::parse_variant(r#"fast:rev=HEAD,rustflags="-Ca=b,c -Cd""#, &no_runs)?;
/// assert_eq!((variant.name.as_str(), variant.rev.as_deref()), ("fast", Some("HEAD")));
/// assert_eq!(variant.rustflags, ["-Ca=b,c", "-Cd"]);
/// # Ok::<(), bench_runner::error::CliError>(())
/// ```
pub fn parse(
    text: &str,
    resolve: &dyn Fn(&str) -> Result<crate::model::ids::RunId, CliError>,
) -> Result<Variant, CliError> {
    let wrong = |what: String| {
        CliError::new(exit_code::USAGE, format!("variant `{text}`: {what}"))
            .hinted(Some(format!("write NAME:KEY=VALUE,KEY=VALUE with the keys {KEYS}")))
    };
    let (name, rest) = text.split_once(':').unwrap_or((text, ""));
    if name.is_empty() || name.chars().any(|c| c.is_control() || "=,\"".contains(c)) {
        return Err(wrong("it needs a name before the colon".to_owned()));
    }
    let mut variant = Variant { name: name.to_owned(), ..Variant::default() };
    for part in parts(rest).map_err(|what| wrong(what.to_owned()))? {
        let (key, value) = part.split_once('=').ok_or_else(|| wrong(format!("`{part}` has no `=`")))?;
        if value.is_empty() && !key.starts_with("env.") {
            return Err(wrong(format!("`{key}` has no value")));
        }
        match key {
            "rev" => variant.rev = Some(value.to_owned()),
            "run" => variant.run = Some(resolve(value)?),
            "rustflags" => variant.rustflags.extend(value.split_whitespace().map(str::to_owned)),
            "cfg" => variant.rustflags.extend(["--cfg".to_owned(), value.to_owned()]),
            "features" => variant.features.extend(value.split(['+', ' ']).map(str::to_owned)),
            "profile" => variant.cargo_profile = Some(value.to_owned()),
            "affinity" => {
                let wrong = || wrong(format!("`{value}` is not a list of processors such as `0+1`"));
                variant.affinity = processors(value).ok_or_else(wrong)?;
            }
            _ => match (key.strip_prefix("profile."), key.strip_prefix("env.")) {
                (Some(setting), _) if is_setting(setting) => {
                    variant.profile_settings.insert(setting.to_owned(), value.to_owned());
                }
                (_, Some(name)) if is_variable(name) => {
                    variant.environment.insert(name.to_owned(), value.to_owned());
                }
                _ => return Err(wrong(format!("there is no key `{key}`"))),
            },
        }
    }
    let builds = variant.rev.is_some()
        || !variant.rustflags.is_empty()
        || !variant.without_flags.is_empty()
        || !variant.features.is_empty()
        || variant.cargo_profile.is_some()
        || !variant.profile_settings.is_empty();
    if variant.run.is_some() && builds {
        return Err(wrong(
            "the executables of a run are built already: `run` goes with `env` and `affinity` only"
                .to_owned(),
        ));
    }
    Ok(variant)
}

/// Splits at commas outside of double quotes.
fn parts(text: &str) -> Result<Vec<String>, &'static str> {
    let (mut parts, mut current, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => quoted = !quoted,
            '\\' if quoted => match letters.next() {
                Some(escaped @ ('"' | '\\')) => current.push(escaped),
                _ => return Err("within quotes, write `\\\\` for a backslash"),
            },
            ',' if !quoted => parts.push(std::mem::take(&mut current)),
            letter => current.push(letter),
        }
    }
    if quoted {
        return Err("a quote is not closed");
    }
    parts.push(current);
    parts.retain(|part| !part.is_empty());
    Ok(parts)
}

fn processors(value: &str) -> Option<Vec<u32>> {
    let mut numbers = value.split('+').map(|word| word.parse().ok()).collect::<Option<Vec<u32>>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Some(numbers)
}

fn is_setting(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

fn is_variable(name: &str) -> bool {
    let reserved = ["CARGO_CRITERION_PORT", "CRITERION_HOME", "BENCH_RUNNER_PROBE", "BENCH_RUNNER_PAD"];
    !name.is_empty() && !name.contains(['\0', '=']) && !reserved.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Variant, String> {
        let resolve = |text: &str| text.parse().map_err(|_| CliError::new(exit_code::NOTHING, "no such run"));
        parse(text, &resolve).map_err(|error| error.message)
    }

    #[test]
    fn every_key_is_read() {
        let variant = read(
            r#"fat:rev=v1.2,rustflags=-Ctarget-cpu=native -Copt-level=3,cfg=simd,features=a+b,profile=dist,profile.lto=fat,profile.codegen-units=1,env.RAYON_NUM_THREADS=2,env.EMPTY=,affinity=1+0+1"#,
        )
        .unwrap();
        assert_eq!(variant.rustflags, ["-Ctarget-cpu=native", "-Copt-level=3", "--cfg", "simd"]);
        assert_eq!((variant.rev.as_deref(), variant.cargo_profile.as_deref()), (Some("v1.2"), Some("dist")));
        assert_eq!(variant.features, ["a", "b"]);
        assert_eq!(variant.profile_settings["lto"], "fat");
        assert_eq!(
            (variant.environment["RAYON_NUM_THREADS"].as_str(), variant.environment["EMPTY"].as_str()),
            ("2", "")
        );
        assert_eq!(variant.affinity, [0, 1]);
        assert_eq!(read("here").unwrap(), Variant { name: "here".to_owned(), ..Variant::default() });
        assert_eq!(read("x:run=01ARZ3NDEKTSV4RRFFQ69G5FAV,env.A=1").unwrap().environment["A"], "1");
    }

    #[test]
    fn quotes_protect_commas_quotes_and_backslashes() {
        let check = |text: &str, flags: &[&str]| assert_eq!(read(text).unwrap().rustflags, flags, "{text}");
        check(r#"a:rustflags="-Ctarget-feature=+a,+b",cfg=c"#, &["-Ctarget-feature=+a,+b", "--cfg", "c"]);
        check(r#"a:"rustflags=-Ca,b""#, &["-Ca,b"]);
        check(r#"a:cfg="name=\"one,two\"""#, &["--cfg", r#"name="one,two""#]);
        check(r#"a:rustflags="-Cx=\\y""#, &["-Cx=\\y"]);
        check("a:rustflags=-Cx=\\y", &["-Cx=\\y"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let check = |text: &str, part: &str| {
            let error = read(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        };
        check("", "needs a name");
        check(":rev=x", "needs a name");
        check("a:rev", "`rev` has no `=`");
        check("a:rev=", "`rev` has no value");
        check("a:revision=x", "no key `revision`");
        check("a:profile.=x", "no key `profile.`");
        check("a:env.CRITERION_HOME=x", "no key `env.CRITERION_HOME`");
        check("a:affinity=0-1", "not a list of processors");
        check(r#"a:rustflags="-Cx"#, "quote is not closed");
        check(r#"a:rustflags="\x""#, "within quotes");
        check("a:run=01ARZ3NDEKTSV4RRFFQ69G5FAV,rev=x", "built already");
        check("a:run=zz", "no such run");
    }
}
