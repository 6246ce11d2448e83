package lint

// flagList is the flag list of a CV certificate of generation 2.
type flagList [7]byte

func rights(hex string) flagList { return flagList(unhex(hex)) }

// The flag lists of roles (gemSpec_PKI, Tab_PKI_918-02).
var (
	chat0   = rights("00000000000000") // no right at all
	chat1   = rights("00ae1acdc1dc00") // terminal of a payer for its insured
	chat2A  = rights("005d29daa0bb00") // physician, hospital
	chat2ZA = rights("005d20daa08300") // dentist
	chat3   = rights("005c20daa08300") // pharmacy
	chat4   = rights("004d29daa08200") // psychotherapist
	chat5P  = rights("00002102800200") // nursing
	chat5W  = rights("00002002800200") // other health professions
	chat8   = rights("00400002a00000") // payer
)

// role is what an institution's role certificates may say: one of the flag lists in generation 2, and the role identifier in
// generation 1, 0 for none.
type role struct {
	flags []flagList
	g1    byte
}

// roles gives the roles by the last arc of the institution's object identifier (gemSpec_PKI, Tab_PKI_254-02; for generation 1
// Tab_PKI_254 of 2017). An institution without a row has no role certificate: those are the cards of organisations.
var roles = map[string]role{
	"50":  {[]flagList{chat2A}, 2},
	"51":  {[]flagList{chat2ZA}, 2},
	"52":  {[]flagList{chat4}, 4},
	"53":  {[]flagList{chat2A}, 2},
	"54":  {[]flagList{chat3}, 3},
	"55":  {[]flagList{chat2A}, 3},
	"56":  {nil, 3}, // forgotten since 2017: only the old table knows it
	"57":  {[]flagList{chat5W}, 7},
	"59":  {[]flagList{chat8, chat0}, 8}, // statutory and private payers
	"190": {[]flagList{chat1, chat0}, 0},
	"245": {[]flagList{chat5P}, 0},
	"246": otherProfession,
	"247": otherProfession,
	"248": otherProfession,
	"249": otherProfession,
	"250": otherProfession,
	"251": otherProfession,
	"252": otherProfession,
	"253": otherProfession,
	"254": {[]flagList{chat2A}, 0},
	"255": {[]flagList{chat2A}, 0},
	"256": {[]flagList{chat2A}, 0},
	"257": {[]flagList{chat2A}, 0},
	"273": {[]flagList{chat8, chat0}, 0},
	"278": otherProfession,
	"279": otherProfession,
	"280": otherProfession,
	"281": otherProfession,
	"282": {[]flagList{chat0}, 0},
}

var otherProfession = role{[]flagList{chat5W}, 0}
