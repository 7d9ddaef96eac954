"""Steps of make.sh that need fontTools."""
import re, subprocess, sys
from fontTools.ttLib import TTFont

ICONS = """compass download-simple upload-simple folder-open folder users-three user broadcast terminal-window gear-six
magnifying-glass plus x pause play arrow-clockwise trash check check-circle warning-circle warning info seal-check
shield-check shield-warning sun moon circle-half copy link qr-code arrow-square-out caret-up caret-down caret-right
file file-text file-image file-audio file-video file-zip file-code file-pdf clock hourglass-medium hard-drive
share-network sign-in sparkle tree-structure list-bullets funnel sliders-horizontal arrow-down arrow-up keyboard
fingerprint plugs plugs-connected globe-simple translate palette speedometer broom eye stop eraser minus-circle
floppy-disk disc question arrow-bend-down-left wifi-slash arrow-line-up arrow-line-down prohibit pencil-simple user-minus
arrow-counter-clockwise folder-simple-plus dots-three list-numbers heartbeat megaphone""".split()

def tabular(work):
    """egui cannot switch on OpenType features: columns of numbers need the tabular digits as the ordinary ones."""
    for weight in "400Regular", "500Medium", "600SemiBold":
        font = TTFont(f"{work}/node_modules/@expo-google-fonts/inter/{weight}/Inter_{weight}.ttf")
        lookups = [f.Feature.LookupListIndex for f in font["GSUB"].table.FeatureList.FeatureRecord if f.FeatureTag == "tnum"][0]
        swap = {}
        for index in lookups:
            for sub in font["GSUB"].table.LookupList.Lookup[index].SubTable:
                swap.update(getattr(sub, "ExtSubTable", sub).mapping)
        for table in font["cmap"].tables:
            for code in range(ord("0"), ord("9") + 1):
                if code in table.cmap:
                    table.cmap[code] = swap.get(table.cmap[code], table.cmap[code])
            # Inter lacks the brackets in which Potok shows invisible characters: ⟨U+202E⟩.
            for bracket, like in (0x27E8, 0x2039), (0x27E9, 0x203A):
                if like in table.cmap:
                    table.cmap[bracket] = table.cmap[like]
        font.save(f"{work}/Inter_{weight}.ttf")

def icons(work):
    css = open(f"{work}/node_modules/@phosphor-icons/web/src/regular/style.css").read()
    codes = dict(re.findall(r"\.ph\.ph-([a-z0-9-]+):before \{\s*content: \"\\([0-9a-f]+)\"", css))
    missing = [name for name in ICONS if name not in codes]
    assert not missing, missing
    subprocess.check_call(["pyftsubset", f"{work}/node_modules/@phosphor-icons/web/src/regular/Phosphor.ttf",
        "--unicodes=" + ",".join("U+" + codes[name] for name in ICONS), "--layout-features=", "--output-file=Phosphor.ttf"])
    with open("../../app/src/gui/icons.rs", "w") as out:
        out.write("//! The icons of the window: characters of `assets/fonts/Phosphor.ttf`. Made by `assets/fonts/make.sh`.\n\n")
        out.write("#![allow(missing_docs, reason = \"an icon is called as Phosphor calls it\")]\n\n")
        for name in sorted(ICONS):
            out.write(f"pub const {name.upper().replace('-', '_')}: &str = \"\\u{{{codes[name]}}}\";\n")

globals()[sys.argv[1]](sys.argv[2])
