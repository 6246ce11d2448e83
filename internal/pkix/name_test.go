package pkix

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

// String types of Tab_PKI_229-01, whatever the characters of the value (GS-A_4714-01).
func TestNameStringTypes(t *testing.T) {
	name := Name{
		Single(OIDCountryName, "DE"),
		Single(OIDOrganizationName, "KZV Berlin"),
		Single(OIDSerialNumber, "16.80276001011699802057"),
		Single(OIDCommonName, "Müller"),
	}
	const want = "3056" + "310b3009060355040613024445" +
		"31133011060355040a0c0a4b5a56204265726c696e" +
		"3120301e0603550405131731362e3830323736303031303131363939383032303537" +
		"3110300e06035504030c074dc3bc6c6c6572"
	raw, err := name.Encode()
	if got := hex.EncodeToString(raw); err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	back, err := ParseName(raw)
	if err != nil || back.String() != name.String() {
		t.Errorf("reads back as %s, %v, want %s", back, err, name)
	}
	for _, rdn := range back {
		if rdn[0].StringType != 0 {
			t.Errorf("%s is marked as a deviation: %s", AttributeName(rdn[0].Type), rdn[0].StringType)
		}
	}
}

// Lengths of Tab_PKI_229-01: the longest value encodes, one character more does not. Umlauts count once.
func TestNameLengths(t *testing.T) {
	for _, r := range attributeRules {
		fill := "ä"
		if r.stringType == PrintableString {
			fill = "A"
		}
		if r.max == 0 {
			continue
		}
		if _, err := (Name{Single(r.oid, strings.Repeat(fill, r.max))}).Encode(); err != nil {
			t.Errorf("%s of %d characters: %v", r.shortName, r.max, err)
		}
		_, err := (Name{Single(r.oid, strings.Repeat(fill, r.max+1))}).Encode()
		if err == nil || !strings.Contains(err.Error(), r.shortName) {
			t.Errorf("%s of %d characters: got %v, want an error that names it", r.shortName, r.max+1, err)
		}
	}
	if _, err := (Name{Single(OIDOrganizationIdentifier, strings.Repeat("ä", 1000))}).Encode(); err != nil {
		t.Errorf("organizationIdentifier has no limit, but: %v", err)
	}
}

func TestNamesRefusedToEncode(t *testing.T) {
	for what, name := range map[string]Name{
		"empty RDN":                   {RDN{}},
		"empty value":                 {Single(OIDCommonName, "")},
		"country in small letters":    {Single(OIDCountryName, "de")},
		"country of one letter":       {Single(OIDCountryName, "D")},
		"serial number with asterisk": {Single(OIDSerialNumber, "1*2")},
		"broken UTF-8":                {Single(OIDCommonName, "\xff")},
		"type that is no OID":         {Single(nil, "x")},
		"common name as Printable":    {RDN{{Type: OIDCommonName, Value: "x", StringType: PrintableString}}},
	} {
		if raw, err := name.Encode(); err == nil {
			t.Errorf("%s: encodes as %x, want an error", what, raw)
		}
	}
}

func TestNamesRefusedToParse(t *testing.T) {
	const cn = "300806035504030c0161"
	for what, in := range map[string]string{
		"nothing":                   "",
		"a SET":                     "3100",
		"trailing octet":            "300000",
		"empty RDN":                 "30023100",
		"RDN is a SEQUENCE":         "300c300a" + cn,
		"value missing":             "300931073005" + "0603550403",
		"two values":                "300f310d300b06035504030c01610c0161",
		"empty value":               "300b310930070603550403" + "0c00",
		"TeletexString":             "300c310a30080603550403" + "140161",
		"broken UTF-8":              "300c310a30080603550403" + "0c01ff",
		"SET OF in the wrong order": "30163114" + "300806035504040c0161" + cn,
		"OID not in least form":     "300d310b30090604" + "55048003" + "0c0161",
		"indefinite length":         "3080" + "310a" + cn + "0000",
	} {
		if name, err := ParseName(unhex(t, in)); err == nil {
			t.Errorf("%s: reads as %s, want an error", what, name)
		}
	}
}

// A foreign name with other string types, lengths and attributes reads and keeps its octets, but Check objects.
func TestForeignNameKeepsItsOctets(t *testing.T) {
	name := Name{
		RDN{{Type: OIDCountryName, Value: "DE", StringType: UTF8String}},
		RDN{{Type: OIDCommonName, Value: "a", StringType: PrintableString}},
	}
	encoded, err := name.encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseName(encoded)
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.encode()
	if err != nil || !bytes.Equal(again, encoded) {
		t.Errorf("got %x, %v, want %x", again, err, encoded)
	}
	if err := back.Check(); err == nil || !strings.Contains(err.Error(), "GS-A_4714-01") {
		t.Errorf("Check: got %v, want GS-A_4714-01", err)
	}
}

// A value cannot pass for another attribute, nor disturb the terminal.
func TestNameStringEscapes(t *testing.T) {
	name := Name{Single(OIDCommonName, "a, O=b + \\ \x1b[2J\u202e\u2028ä"), Single(ti(1), "x")}
	const want = `CN=a\, O=b \+ \\ \u{1b}[2J\u{202e}\u{2028}ä, 1.2.276.0.76.4.1=x`
	if got := name.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAttributeNames(t *testing.T) {
	for _, r := range attributeRules {
		back, ok := AttributeType(AttributeName(r.oid))
		if !ok || !back.Equal(r.oid) {
			t.Errorf("%s: got %v, want %v", AttributeName(r.oid), back, r.oid)
		}
	}
	if oid, ok := AttributeType("cn"); ok {
		t.Errorf("%q is taken for %v", "cn", oid)
	}
	name := Name{Single(OIDCountryName, "DE")}
	if _, ok := name.Get(OIDCommonName); ok {
		t.Error("a common name is found that is not there")
	}
	if c, ok := name.Get(OIDCountryName); !ok || c != "DE" {
		t.Errorf("country: got %q, %t, want DE", c, ok)
	}
}
