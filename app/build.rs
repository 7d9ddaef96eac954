//! What Windows wants to see in `potok.exe`: its icon, its version, and that it knows high resolutions, long paths and
//! UTF-8. Other systems have files for that (`assets/desktop`, `packaging`).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // What is built for, not what builds: `potok.exe` may be made on Linux.
    if std::env::var_os("CARGO_CFG_WINDOWS").is_some() {
        windows();
    }
}

fn windows() {
    println!("cargo::rerun-if-changed=../assets/desktop/icons/potok.ico");
    println!("cargo::rerun-if-changed=../packaging/windows/potok.manifest");
    let mut resource = winresource::WindowsResource::new();
    resource.set_icon("../assets/desktop/icons/potok.ico").set_manifest_file("../packaging/windows/potok.manifest");
    resource.set("FileDescription", "Potok").set("ProductName", "Potok").set("LegalCopyright", "MIT OR Apache-2.0");
    if let Err(why) = resource.compile() {
        // It works without; a release must have it, and its workflow looks for this line.
        println!("cargo::warning=no icon and version in potok.exe: {why}");
    }
}
