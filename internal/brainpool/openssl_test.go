package brainpool

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// openssl is the program in testdata/openssl-verify, compiled for one test.
type openssl string

// newOpenSSL compiles it. A missing compiler or library fails the test: without a second opinion it shows nothing.
func newOpenSSL(tb testing.TB) openssl {
	tb.Helper()
	program := filepath.Join(tb.TempDir(), "openssl-verify")
	source := filepath.Join("testdata", "openssl-verify", "main.c")
	out, err := exec.Command("cc", "-O2", "-o", program, source, "-lcrypto").CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		tb.Fatal("no C compiler: install the package gcc")
	case err != nil && bytes.Contains(out, []byte("openssl/")), err != nil && bytes.Contains(out, []byte("-lcrypto")):
		tb.Fatalf("OpenSSL cannot be compiled against: install the package libssl-dev\n%s", out)
	case err != nil:
		tb.Fatalf("compile %s: %v\n%s", source, err, out)
	}
	return openssl(program)
}

// run gives the lines that the program prints.
func (o openssl) run(tb testing.TB, input []byte, args ...string) []string {
	tb.Helper()
	cmd := exec.Command(string(o), args...)
	cmd.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("openssl-verify %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return strings.Fields(string(out))
}

// verify gives OpenSSL's verdict on each case: "1" valid, "0" not valid, "-" the point is refused.
func (o openssl) verify(tb testing.TB, cases []*testCase) []string {
	tb.Helper()
	var input bytes.Buffer
	for _, c := range cases {
		digest := hex.EncodeToString(c.digest)
		if digest == "" {
			digest = "-"
		}
		fmt.Fprintf(&input, "%s %x %s %x\n", c.curve.Name(), c.point, digest, c.sig)
	}
	verdicts := o.run(tb, input.Bytes(), "verify")
	if len(verdicts) != len(cases) {
		tb.Fatalf("got %d verdicts of OpenSSL, want %d", len(verdicts), len(cases))
	}
	return verdicts
}
