package tlog

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// The key of RFC 8032, Section 7.1, TEST 1, as the key of a log. The checkpoint in testdata was signed with it by OpenSSL
// (openssl pkeyutl -sign -rawin), over a tree of the leaves "a", "b" and "c"; key ID, root and lines were put together by hand.
const (
	origin   = "log.example/siegel"
	seedHex  = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
	keyText  = "log.example/siegel+70a460ed+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
	noteFile = "testdata/checkpoint.txt"
)

func testKey(t testing.TB) (*VerifierKey, ed25519.PrivateKey) {
	t.Helper()
	seed, err := hex.DecodeString(seedHex)
	if err != nil {
		t.Fatal(err)
	}
	private := ed25519.NewKeyFromSeed(seed)
	key, err := NewVerifierKey(origin, private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return key, private
}

func (k *VerifierKey) signerOf(private ed25519.PrivateKey) note.Signer {
	return k.Signer(func(msg []byte) ([]byte, error) { return ed25519.Sign(private, msg), nil })
}

func abc() Checkpoint {
	return Checkpoint{Origin: origin, Head: headOf([][]byte{[]byte("a"), []byte("b"), []byte("c")})}
}

// TestCheckpointOfOpenSSL signs the same octets as OpenSSL did, and opens them.
func TestCheckpointOfOpenSSL(t *testing.T) {
	want, err := os.ReadFile(noteFile)
	if err != nil {
		t.Fatal(err)
	}
	key, private := testKey(t)
	if key.String() != keyText {
		t.Errorf("key is %s, want %s", key, keyText)
	}
	got, err := abc().Sign(key.signerOf(private))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("signed checkpoint is\n%s%v, want\n%s", got, err, want)
	}
	parsed, err := ParseVerifierKey(keyText)
	if err != nil {
		t.Fatal(err)
	}
	c, err := OpenCheckpoint(want, parsed)
	if err != nil || c.Origin != origin || c.Head != abc().Head || c.Extensions != nil {
		t.Errorf("opened checkpoint is %+v, %v", c, err)
	}
}

// TestCheckpointIsReadByOthers opens a checkpoint with nothing but package note, and with nothing but Ed25519.
func TestCheckpointIsReadByOthers(t *testing.T) {
	key, private := testKey(t)
	c := abc()
	signed, err := c.Sign(key.signerOf(private))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(key.String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	wantText := origin + "\n3\nNmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE=\n"
	if err != nil || n.Text != wantText {
		t.Errorf("package note reads %q, %v, want %q", n.Text, err, wantText)
	}

	text, line, _ := strings.Cut(string(signed), "\n\n")
	fields := strings.Fields(line)
	sig, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil || fields[0] != "—" || fields[1] != origin || len(sig) != 68 {
		t.Fatalf("signature line is %q, %v", line, err)
	}
	public := private.Public().(ed25519.PublicKey)
	id := sha256.Sum256(append([]byte(origin+"\n\x01"), public...))
	if !bytes.Equal(sig[:4], id[:4]) || !ed25519.Verify(public, []byte(text+"\n"), sig[4:]) {
		t.Errorf("signature line %q is not of the key", line)
	}
}

// TestEveryChangeIsRefused flips each bit of a signed checkpoint. The two that are taken stand for nothing: the base64 of 68 octets has two
// bits to spare in its last digit, and package note does not look at them.
func TestEveryChangeIsRefused(t *testing.T) {
	signed, err := os.ReadFile(noteFile)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := testKey(t)
	for i := range signed {
		for bit := range 8 {
			wrong := bytes.Clone(signed)
			wrong[i] ^= 1 << bit
			spare := i == len(signed)-len("4=\n") && bit < 2
			if c, err := OpenCheckpoint(wrong, key); (err == nil) != spare || spare && c.Head != abc().Head {
				t.Errorf("octet %d, bit %d: taken as %+v, %v", i, bit, c, err)
			}
		}
		if _, err := OpenCheckpoint(signed[:i], key); err == nil {
			t.Errorf("taken when cut after %d octets", i)
		}
	}
}

// TestCheckpointText has the example of C2SP tlog-checkpoint, and all that is nearly one.
func TestCheckpointText(t *testing.T) {
	const root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
	const empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	for _, text := range []string{
		"example.com/behind-the-sofa\n20852163\n" + root + "\n",
		"example.com/behind-the-sofa\n20852163\n" + root + "\nan extension\nanother\n",
		"go.sum database tree\n1\n" + root + "\n", // an origin need not be an address
		"o\n0\n" + empty + "\n",
		"o\n72057594037927935\n" + root + "\n",
	} {
		c, err := ParseCheckpoint([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		lines := strings.Split(text, "\n")
		if c.Origin != lines[0] || c.Root.String() != lines[2] || !slices.Equal(c.Extensions, lines[3:len(lines)-1]) {
			t.Errorf("%q is read as %+v", text, c)
		}
	}
	for name, text := range map[string]string{
		"nothing":                        "",
		"no root":                        "o\n1\n",
		"no last newline":                "o\n1\n" + root,
		"no last newline of extension":   "o\n1\n" + root + "\nx",
		"no origin":                      "\n1\n" + root + "\n",
		"empty extension":                "o\n1\n" + root + "\n\n",
		"empty extension before another": "o\n1\n" + root + "\n\nx\n",
		"size with a leading zero":       "o\n01\n" + root + "\n",
		"size with a sign":               "o\n+1\n" + root + "\n",
		"negative size":                  "o\n-1\n" + root + "\n",
		"negative zero":                  "o\n-0\n" + empty + "\n",
		"size with a space":              "o\n 1\n" + root + "\n",
		"no size":                        "o\n\n" + root + "\n",
		"hexadecimal size":               "o\n0x1\n" + root + "\n",
		"size beyond bound":              "o\n72057594037927936\n" + root + "\n",
		"size beyond 64 bits":            "o\n18446744073709551617\n" + root + "\n",
		"empty tree with a root":         "o\n0\n" + root + "\n",
		"root without padding":           "o\n1\n" + strings.TrimSuffix(root, "=") + "\n",
		"root with stray bits":           "o\n1\n" + strings.TrimSuffix(root, "I=") + "J=\n",
		"root in the alphabet for URLs":  "o\n1\n" + strings.ReplaceAll(root, "/", "_") + "\n",
		"root of 31 octets":              "o\n1\n" + base64.StdEncoding.EncodeToString(make([]byte, 31)) + "\n",
		"root of 33 octets":              "o\n1\n" + base64.StdEncoding.EncodeToString(make([]byte, 33)) + "\n",
		"carriage returns":               "o\r\n1\r\n" + root + "\r\n",
		"carriage return in the root":    "o\n1\n" + root + "\r\n",
		"tab in the origin":              "o\tp\n1\n" + root + "\n",
		"origin that is no UTF-8":        "o\xff\n1\n" + root + "\n",
	} {
		if c, err := ParseCheckpoint([]byte(text)); err == nil {
			t.Errorf("%s: taken as %+v", name, c)
		}
	}
}

// TestCheckpointIsNotWritten where it would be read as another.
func TestCheckpointIsNotWritten(t *testing.T) {
	good := abc()
	for name, c := range map[string]Checkpoint{
		"no origin":                {Head: good.Head},
		"origin with a line break": {Origin: "o\n7", Head: good.Head},
		"empty extension":          {Origin: "o", Head: good.Head, Extensions: []string{""}},
		"extension of two lines":   {Origin: "o", Head: good.Head, Extensions: []string{"x\n\n— o x"}},
		"negative size":            {Origin: "o", Head: Head{-1, good.Root}},
		"zero value of the head":   {Origin: "o"},
	} {
		if text, err := c.Marshal(); err == nil {
			t.Errorf("%s: written as %q", name, text)
		}
	}
}

// TestSignRefuses signers that are not the log's, and signatures that are not the key's.
func TestSignRefuses(t *testing.T) {
	key, private := testKey(t)
	otherName, err := NewVerifierKey("log.example/other", private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the token is gone")
	for _, c := range []struct {
		name    string
		signers []note.Signer
		want    string
	}{
		{"no signer", nil, "no signer"},
		{"the key of another log", []note.Signer{otherName.signerOf(private)}, "the key is of"},
		{"the right key and that of another log", []note.Signer{key.signerOf(private), otherName.signerOf(private)}, "the key is of"},
		{"another private key", []note.Signer{key.signerOf(ed25519.NewKeyFromSeed(make([]byte, 32)))}, "is not of the log's key"},
		{"a signature cut off", []note.Signer{key.Signer(func(m []byte) ([]byte, error) { return ed25519.Sign(private, m)[:63], nil })},
			"is not of the log's key"},
		{"a token that fails", []note.Signer{key.Signer(func([]byte) ([]byte, error) { return nil, broken })}, broken.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			if signed, err := abc().Sign(c.signers...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, %v, want an error with %q", signed, err, c.want)
			}
		})
	}
	if _, err := abc().Sign(key.Signer(func([]byte) ([]byte, error) { return nil, broken })); !errors.Is(err, broken) {
		t.Errorf("the cause is lost: %v", err)
	}
}

// TestOpenCheckpoint goes through who may sign for whom.
func TestOpenCheckpoint(t *testing.T) {
	key, private := testKey(t)
	nextPrivate := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	next, errNext := NewVerifierKey(origin, nextPrivate.Public().(ed25519.PublicKey))
	witness, errWitness := NewVerifierKey("witness.example", nextPrivate.Public().(ed25519.PublicKey))
	if errNext != nil || errWitness != nil {
		t.Fatal(errNext, errWitness)
	}
	text, err := abc().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	sign := func(signers ...note.Signer) []byte {
		signed, err := note.Sign(&note.Note{Text: string(text)}, signers...)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	both := sign(key.signerOf(private), next.signerOf(nextPrivate))
	for _, c := range []struct {
		name   string
		signed []byte
		keys   []*VerifierKey
		want   string // of the error
	}{
		{"two keys of the log, the old one known", both, []*VerifierKey{key}, ""},
		{"two keys of the log, the new one known", both, []*VerifierKey{next}, ""},
		{"two keys of the log, both known", both, []*VerifierKey{key, next}, ""},
		{"a witness that is not known beside the log", sign(witness.signerOf(nextPrivate), key.signerOf(private)), []*VerifierKey{key}, ""},
		{"no key known", both, nil, "no verifiable signatures"},
		{"another key of the log known", sign(key.signerOf(private)), []*VerifierKey{next}, "no verifiable signatures"},
		{"only a witness signed", sign(witness.signerOf(nextPrivate)), []*VerifierKey{key, witness}, `signed only by "witness.example"`},
		{"one signature good, one bad", bytes.Replace(both, both[len(both)-9:len(both)-5], []byte("AAAA"), 1), []*VerifierKey{key, next}, "invalid signature"},
		{"no checkpoint", mustSign(t, "a note\n", key.signerOf(private)), []*VerifierKey{key}, "three lines"},
		{"the text of another log", mustSign(t, strings.Replace(string(text), origin, "log.example/other", 1), key.signerOf(private)),
			[]*VerifierKey{key}, `it is of "log.example/other"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := OpenCheckpoint(c.signed, c.keys...)
			if c.want == "" {
				if err != nil || got.Head != abc().Head {
					t.Errorf("got %+v, %v", got, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %+v, %v, want an error with %q", got, err, c.want)
			}
		})
	}
}

func mustSign(t *testing.T, text string, s note.Signer) []byte {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: text}, s)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// TestVerifierKeyText takes one form of each key.
func TestVerifierKeyText(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                  "",
		"no key":                   "log.example/siegel+70a460ed",
		"no name":                  strings.TrimPrefix(keyText, origin),
		"a space in the name":      strings.Replace(keyText, "log", "l g", 1),
		"another name":             strings.Replace(keyText, "log", "lag", 1),
		"another key ID":           strings.Replace(keyText, "70a4", "70a5", 1),
		"a key ID in upper case":   strings.Replace(keyText, "70a460ed", "70A460ED", 1),
		"another algorithm":        strings.Replace(keyText, "+Ad", "+Bd", 1),
		"a key that is cut off":    keyText[:len(keyText)-4],
		"no base64":                keyText + "!",
		"a line break in the key":  keyText[:40] + "\n" + keyText[40:],
		"a line break at the end":  keyText + "\n",
		"a signer's key":           "PRIVATE+KEY+" + keyText,
		"something behind the key": keyText + "+AAAA",
	} {
		if k, err := ParseVerifierKey(text); err == nil {
			t.Errorf("%s: %q is taken as %s", name, text, k)
		}
	}
	if k, err := NewVerifierKey("with space", make([]byte, 32)); err == nil {
		t.Errorf("a name with a space was taken: %s", k)
	}
	if k, err := NewVerifierKey(origin, make([]byte, 31)); err == nil {
		t.Errorf("a key of 31 octets was taken: %s", k)
	}
}

// FuzzParseCheckpoint: a text that is taken is the text that is written.
func FuzzParseCheckpoint(f *testing.F) {
	f.Add([]byte("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"))
	f.Add([]byte("o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nmore\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseCheckpoint(text)
		if err != nil {
			return
		}
		again, err := c.Marshal()
		if err != nil || !bytes.Equal(again, text) {
			t.Errorf("%q is written %q, %v", text, again, err)
		}
	})
}

// FuzzOpenCheckpoint: whatever opens has a text that was signed, since the only key that is known has signed one.
func FuzzOpenCheckpoint(f *testing.F) {
	signed, err := os.ReadFile(noteFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add(append(bytes.Clone(signed), "— witness.example AAAAAAAAAAA=\n"...))
	key, _ := testKey(f)
	f.Fuzz(func(t *testing.T, signed []byte) {
		if c, err := OpenCheckpoint(signed, key); err == nil && (c.Head != abc().Head || c.Origin != origin) {
			t.Errorf("%q opens as %+v", signed, c)
		}
	})
}
