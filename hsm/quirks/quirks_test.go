package quirks

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestBuiltin loads the families that operators meet, and tells tokens by what they say of themselves.
func TestBuiltin(t *testing.T) {
	families, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ token, module, want string }{
		{"SoftHSM project", "SoftHSM", "softhsm2"},
		{"SoftHSM project", "PKCS#11 Kit", "softhsm2"},
		{"Utimaco IS GmbH", "Utimaco IS GmbH", "utimaco"},
		{"SafeNet, Inc.", "SafeNet, Inc.", "luna"},
		{"nCipher Corp. Ltd", "nCipher Corp. Ltd", "ncipher"},
		{"Marvell Semiconductors, Inc.", "Cavium", "aws-cloudhsm"},
		{"Mozilla Foundation", "Mozilla Foundation", "nss"},
		{"Somebody", "Somebody else", "generic"},
		{"Somebody", "PKCS#11 Kit", "p11-kit"},
		{"", "", "generic"},
	} {
		if got := Of(families, c.token, c.module); got == nil || got.Name != c.want {
			t.Errorf("%q, %q: got %v, want %s", c.token, c.module, got, c.want)
		}
	}
	if got := families["aws-cloudhsm"].Codes(); !slices.Equal(got, []string{"CKR_ARGUMENTS_BAD"}) {
		t.Errorf("codes of aws-cloudhsm are %v", got)
	}
	if f := families["aws-cloudhsm"]; !f.Has(SessionLimit) || f.Has(DERSignatures) {
		t.Errorf("aws-cloudhsm is %+v", f)
	}
}

// TestWrongFiles refuses what says nothing, or nothing that can be checked.
func TestWrongFiles(t *testing.T) {
	const head = "family: generic\nproduct: p\n"
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", head + "quirk: x\n", "generic.yaml:3"},
		{"other name", "family: other\nproduct: p\n", "is not the name of the file"},
		{"no product", "family: generic\n", "product is missing"},
		{"no source", head + "facts: [{text: t}]\n", "either tried here or documented"},
		{"two sources", head + "facts: [{text: t, tried: a, documented: b}]\n", "either tried here or documented"},
		{"no text", head + "facts: [{tried: a}]\n", "text is missing"},
		{"unknown quirk", head + "facts: [{text: t, tried: a, quirk: q}]\n", `quirk "q" is not known`},
		{"limit without codes", head + "facts: [{text: t, tried: a, quirk: session_limit}]\n", "codes go with session_limit"},
		{"codes without limit", head + "facts: [{text: t, tried: a, codes: [CKR_OK]}]\n", "codes go with session_limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(fstest.MapFS{"generic.yaml": {Data: []byte(c.text)}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := load(fstest.MapFS{"x.yaml": {Data: []byte("family: x\nproduct: p\nmanufacturers: [m]\n")},
		"y.yaml": {Data: []byte("family: y\nproduct: p\nmanufacturers: [m]\n")}}); err == nil || !strings.Contains(err.Error(), "belongs to x too") ||
		!strings.Contains(err.Error(), "no family generic") {
		t.Errorf("two families of one maker: %v", err)
	}
}
