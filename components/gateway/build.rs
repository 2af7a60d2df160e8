//! Compresses the files of Swagger UI, which the gateway embeds.

use std::env;
use std::fs::{self, File};
use std::io::{Error, Write};
use std::path::PathBuf;

use flate2::{Compression, GzBuilder};

const FOLDER: &str = "assets/docs/swagger-ui";
const FILES: [&str; 2] = ["swagger-ui-bundle.js", "swagger-ui.css"];

fn main() -> Result<(), Error> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| Error::other("cargo sets OUT_DIR"))?);
    for name in FILES {
        let path = format!("{FOLDER}/{name}");
        println!("cargo::rerun-if-changed={path}");
        let file = File::create(out.join(format!("{name}.gz")))?;
        // No name and no time, so that the same file has the same bytes.
        let mut encoder = GzBuilder::new().write(file, Compression::best());
        encoder.write_all(&fs::read(path)?)?;
        encoder.finish()?;
    }
    Ok(())
}
