package main

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestOCSP is the load of OCSP in small: each measurement is made, each question gets a signed answer, and the lines for programs are there.
func TestOCSP(t *testing.T) {
	var out bytes.Buffer
	c := &ocspCmd{Cards: 200, Duration: 300 * time.Millisecond, Steady: 500 * time.Millisecond, Rate: 100, Sample: 100, Wave: 20, Clients: 8}
	if err := c.run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for line := range strings.Lines(out.String()) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "bench "), " ")
		number, err := strconv.ParseFloat(value, 64)
		if !ok || err != nil || !strings.HasPrefix(line, "bench ") {
			t.Errorf("line %q is not bench NAME VALUE", line)
		}
		values[name] = number
	}
	for _, load := range []string{"ocsp-rsa-uncached", "ocsp-ecc-uncached", "openssl-ocsp-rsa", "openssl-ocsp-ecc", "ocsp-cached", "ocsp-steady",
		"ocsp-steady-1-percent-revoked", "ocsp-wave"} {
		if values[load+"-answers"] < 10 || values[load+"-errors"] != 0 {
			t.Errorf("%s: %v signed answers and %v errors", load, values[load+"-answers"], values[load+"-errors"])
		}
	}
	for _, rate := range []string{"ocsp-rsa-raw", "ocsp-ecc-raw", "ocsp-wave-revocations"} {
		if values[rate] <= 0 {
			t.Errorf("%s is %v", rate, values[rate])
		}
	}
}
