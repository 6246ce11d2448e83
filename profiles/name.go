package profiles

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The two ways to give the common name of an institution.
const (
	pathName      = "institution.name"
	pathNameLines = "institution.name_lines"
)

// maxNameLines is how many lines of the address field make up a common name.
const maxNameLines = 2

const citeCommonName = "gemSpec_PKI, Annex A, chapter 5.3.2; DIN 5008"

// checkNameLines looks at a common name that comes as lines of the address field. What holds for the whole is left to the
// attribute.
func (p *planner) checkNameLines(i *Institution) {
	if len(i.NameLines) == 0 {
		return
	}
	if i.Name != "" {
		p.refuse(pathNameLines, "NAME_TWICE", wire, "give either name or name_lines")
	}
	if len(i.NameLines) > maxNameLines {
		p.refuse(pathNameLines, "NAME_LINES", citeCommonName,
			"there are %d lines, the common name has lines 1 and 2 of the address field", len(i.NameLines))
	}
	for n, line := range i.NameLines {
		path := fmt.Sprintf("%s[%d]", pathNameLines, n)
		if line == "" {
			p.refuse(path, "NAME_LINES", citeCommonName, "the line is empty; leave it out")
			continue
		}
		p.checkText(path, line)
	}
}

// checkText looks at what no name may hold: the marks of test identities, which Siegel adds itself, characters outside the
// repertoire, and blanks that change nothing for a reader but make another name.
func (p *planner) checkText(path, value string) bool {
	for _, mark := range []string{markCommonName, markOrganization} {
		if strings.Contains(value, strings.TrimSpace(mark)) {
			p.refuse(path, "TEST_MARK", citeMarks,
				"leave the marks TEST-ONLY and NOT-VALID out: environment test adds them, production forbids them")
			return false
		}
	}
	rule, message := textFault(value)
	if rule != "" {
		p.refuse(path, "NAME_"+rule, citeNames, "%s", message)
	}
	return rule == ""
}

// textFault says what is wrong with the characters of a text: the end of the rule's name and the message, or "".
func textFault(value string) (rule, message string) {
	switch {
	case !utf8.ValidString(value), strings.ContainsFunc(value, func(r rune) bool { return !inRepertoire(r) }):
		return "REPERTOIRE", "only Latin letters, each with its accents in one character (Unicode NFC), digits, blanks and common punctuation are allowed"
	case strings.HasPrefix(value, " "), strings.HasSuffix(value, " "), strings.Contains(value, "  "):
		return "BLANKS", "there must be no blank before or after the text, and no two in a row"
	}
	return "", ""
}

// punctuation are the characters beyond ISO 8859-1 that are no letters and occur in German names: dashes, quotation marks, the
// ellipsis, the euro.
const punctuation = "–—‘’‚“”„…€"

// inRepertoire tells whether a character may stand in a name. Tab_PKI_229-01 allows all of UTF-8 and the card issuer to narrow it;
// this is the narrowest set that writes every name of a Latin alphabet. It has no control characters, no combining marks (lengths are
// counted in composed characters), no soft hyphen or no-break blank, which cannot be seen, and no letters of other scripts that look
// like Latin ones.
func inRepertoire(r rune) bool {
	switch {
	case r <= unicode.MaxASCII:
		return r >= ' ' && r != 0x7F
	case r <= unicode.MaxLatin1:
		return r >= 0xA1 && r != 0xAD
	case r <= 0x24F, r >= 0x1E00 && r <= 0x1EFF: // Latin Extended-A, -B and Additional
		// Without the letters of African languages that look like punctuation (clicks), and without the long and other archaic s. The
		// dotless i stays: Turkish names have it, and the I with a dot.
		return unicode.Is(unicode.Latin, r) && (r < 0x1C0 || r > 0x1C3) && r != 'ſ' && r != 'ẛ' && r != 'ȷ'
	}
	return strings.ContainsRune(punctuation, r)
}

// Limits of an e-mail address, in octets.
const (
	maxEmail      = 254 // RFC 5321, Section 4.5.3.1.3: a path of 256 less the angle brackets
	maxEmailLocal = 64  // RFC 5321, Section 4.5.3.1.1
)

// The two halves of an address: a dot-atom (RFC 5322, Section 3.2.3), and at least two labels of a host name (RFC 1123, Section
// 2.1), the last of them not a number. Quoted local parts and address literals are mail's own exotica.
var (
	emailLocal  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")
	emailDomain = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
)

// checkEmail looks at the address that stands in subjectAltName as rfc822Name, an IA5String.
func (p *planner) checkEmail(value string) {
	const path = "institution.email"
	rule := FieldRule{Occurs: Optional}
	if p.sector != nil {
		rule = p.sector.Email
	}
	if !p.checkPresence(path, value, rule, "e-mail address") || value == "" {
		return
	}
	local, domain, _ := strings.Cut(value, "@")
	if len(value) > maxEmail || len(local) > maxEmailLocal || !emailLocal.MatchString(local) || !emailDomain.MatchString(domain) {
		p.refuse(path, "EMAIL", "gemSpec_PKI, Tab_PKI_228; RFC 5280, Section 4.2.1.6; RFC 5321, Section 4.1.2",
			"it must be one address local@domain in ASCII of at most %d characters, %d before the @", maxEmail, maxEmailLocal)
	}
}
