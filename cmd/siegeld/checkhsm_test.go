package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/hsm/hsmtest"
	"github.com/siegel-pki/siegel/hsm/softhsm"
)

// TestCheckHSM examines two implementations of PKCS#11, one that can do all and one that cannot, by flags and by a configuration.
func TestCheckHSM(t *testing.T) {
	soft, err := softhsm.New(filepath.Join(t.TempDir(), "token"), "check")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", soft.Conf)
	nss, err := hsmtest.NewNSS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	nssPIN := nss.URI[strings.Index(nss.URI, "pin-source=")+len("pin-source="):]
	config := writeFile(t, t.TempDir(), "siegeld.yaml", "token: {uri: \""+soft.URI()+"\", pin_file: "+soft.PINFile()+"}\n")
	softFlags := []string{"check-hsm", "--module", soft.Module, "--token", "check", "--pin-file", soft.PINFile(), "--time", "5ms"}
	nssFlags := []string{"check-hsm", "--module", nss.Module, "--token", "NSS Certificate DB", "--pin-file", nssPIN, "--reserved", nss.Reserved, "--time", "5ms"}
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"fit", softFlags, exitOK, "The token can do all that is required."},
		{"fit, by configuration", []string{"check-hsm", "--config", config, "--time", "5ms"}, exitOK, `Token "check" of SoftHSM project`},
		{"unfit", nssFlags, exitFailed, "It cannot sign: X.509 and CV certificates of the key generation ECC; checkpoints of the log."},
		{"unknown family", append(softFlags, "--quirks", "nobody"), exitFailed, `there is no family "nobody"`},
		{"no such token", append(nssFlags, "--token", "nobody"), exitFailed, "token not found"},
		{"two places", append(softFlags, "--config", config), exitConfig, "--config and --module can't be used together"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errOut := siegeld(t, c.args...)
			if code != c.code || !strings.Contains(out+errOut, c.want) {
				t.Errorf("exit code %d, want %d; output lacks %q:\n%s%s", code, c.code, c.want, out, errOut)
			}
		})
	}
	t.Run("JSON", func(t *testing.T) {
		code, out, errOut := siegeld(t, append(nssFlags, "--json")...)
		var list []examination
		if err := json.Unmarshal([]byte(out), &list); err != nil || code != exitFailed {
			t.Fatalf("exit code %d, %v:\n%s%s", code, err, out, errOut)
		}
		if len(list) != 1 || list[0].Fit || !list[0].ReadOnly || list[0].Family != "nss" || len(list[0].Findings) != 9 {
			t.Errorf("got %+v", list)
		}
		for _, f := range list[0].Findings {
			if f.Able != (f.PerSecond > 0) || f.Able == (len(f.Wrong) > 0) {
				t.Errorf("got %+v", f)
			}
		}
	})
}

// TestTokenURI escapes what a label or a path may hold.
func TestTokenURI(t *testing.T) {
	if got, want := tokenURI("/a b/m+n.so", "x;y z"), "pkcs11:token=x%3By%20z?module-path=/a%20b/m%2Bn.so"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
