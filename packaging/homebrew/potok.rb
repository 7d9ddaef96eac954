class Potok < Formula
  desc "Share files straight from your own computer"
  homepage "https://github.com/potok-share/potok"
  url "https://github.com/potok-share/potok/releases/download/v@VERSION@/potok-@VERSION@-source.tar.xz"
  sha256 "@SHA256_SOURCE@"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args(path: "app")
    system "cargo", "install", *std_cargo_args(path: "tracker-bin")
    system bin/"potok", "generate-docs", "documents"
    man1.install Dir["documents/*.1"]
    bash_completion.install "documents/potok.bash" => "potok"
    zsh_completion.install "documents/_potok"
    fish_completion.install "documents/potok.fish"
  end

  service do
    run [opt_bin/"potok-tracker", "--data-dir", var/"potok-tracker"]
    keep_alive true
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/potok --version")
    system bin/"potok", "console", "--data-dir", testpath/"data", "-c", "shares"
  end
end
