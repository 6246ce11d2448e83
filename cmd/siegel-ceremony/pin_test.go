package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/hsm/pinshare"
	"github.com/siegel-pki/siegel/internal/ceremony"
)

// TestSharesOpenTheToken: two operators type a share each; one of them alone, or twice the same, does not.
func TestSharesOpenTheToken(t *testing.T) {
	w := newWorld(t)
	first, second, err := pinshare.Split([]byte(w.token.PIN))
	if err != nil {
		t.Fatal(err)
	}
	path, _ := w.newFile()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.restore(path, []byte(strings.Replace(string(text), `pin: "file:token/pin"`, "pin: shares", 1)))
	f, err := ceremony.Read(path, w.catalogue)
	if err != nil {
		t.Fatal(err)
	}
	broken := []byte(first.Text())
	broken[0] ^= 1
	for _, c := range []struct {
		name   string
		shares []string
		want   string // part of the error; "" for none
	}{
		{"both", []string{first.Text(), second.Text()}, ""},
		{"both, the other way round", []string{second.Text(), first.Text()}, ""},
		{"one of them twice", []string{first.Text(), first.Text()}, "join the shares for token t"},
		{"slip of the pen", []string{string(broken), second.Text()}, "the share of Ada Muster"},
		{"nobody", nil, "nobody is there"},
	} {
		var asked []string
		open, err := openTokens(t.Context(), f, false, func(what string) ([]byte, error) {
			asked = append(asked, what)
			if len(asked) > len(c.shares) {
				return nil, errors.New("nobody is there")
			}
			return []byte(c.shares[len(asked)-1]), nil
		})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
		if err := open.close(); err != nil {
			t.Error(err)
		}
		if c.want == "" && strings.Join(asked, "; ") != "share of Ada Muster for the PIN of token t; share of Bela Beispiel for the PIN of token t" {
			t.Errorf("%s: asked %q", c.name, asked)
		}
	}
}
