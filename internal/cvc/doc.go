// Package cvc encodes, assembles, parses and verifies the card verifiable certificates (CVC) of the German telematics
// infrastructure: the small certificates that smart cards check themselves when they authenticate to each other.
//
// It knows octets and nothing else: no policy (who may hold which right is in package profiles), no clock (a term is
// compared with another term, never with today), no I/O and no private key. Values are plain data and safe for concurrent
// reading.
//
// # Generation 2: elliptic curves
//
// The signature covers the whole object 7F4E, its tag and length included. Sizes are those of brainpoolP256r1; a CA has a
// holder reference of 8 octets and a key OID of 8, a card 12 and 6.
//
//	7F21                    certificate                  220 octets (CA), 222 (card)
//	  7F4E                  body: what is signed         149 octets (CA), 151 (card)
//	    5F29  70            profile identifier
//	    42    8 octets      CAR: the issuer's reference  Reference
//	    7F49                public key
//	      06  8 or 6        what the key is for          KeyOID
//	      86  04 || X || Y  point; its length tells the curve
//	    5F20  8 or 12       CHR: the holder's reference  CHR
//	    7F4C                holder authorisation (CHAT)
//	      06  8 octets      hierarchy                    FlagOID
//	      53  7 octets      rights                       Flags
//	    5F25  6 digits      effective date (CED)         Date
//	    5F24  6 digits      expiration date (CXD)        Date
//	  5F37    r || s        signature, as long as the curve of the issuer's key makes it
//
// To issue: fill a [Body], Encode it, let the issuer's key sign those octets with the scheme that [SignatureScheme] names,
// and hand both to [Assemble]. To read: [Parse], then [Certificate.CheckIssuedBy] against one issuer, or [Pool.Verify]
// against everything that is known.
//
// # Generation 1: RSA with message recovery
//
// The files named g1*.go hold the older format, which is out of use in the field since 2019 and still on SMC-B of
// generations 2.0 and 2.1: [G1Body], [EncodeG1Block], [AssembleG1], [ParseG1]. There is no date in it: such a certificate does not
// expire. A root is a bare key, [ParseG1Root]; [G1Pool] opens a chain from it.
//
// # Where to look
//
//	reference.go, chr.go   names of keys: the issuer's (CAR) and the holder's (CHR)
//	date.go, flags.go      the two other field types; rights.go gives the meaning of every flag
//	oid.go                 object identifiers of keys and flag lists
//	tlv.go                 the writer and reader under everything
//	body.go                the signed part: encode
//	certificate.go         the whole: assemble and parse
//	verify.go, pool.go     one issuer; many issuers
//	g1*.go                 generation 1; g1ca.go CA keys, g1pool.go chains
//	annotate.go            a listing for people
//
// # Sources
//
// gemSpec_PKI 2.14.1, chapter 6 and section 8.7 (GS-A_4986 to GS-A_5012, Tab_PKI_901 to Tab_PKI_911, Tab_PKI_258,
// Tab_PKI_266); gemSpec_COS 3.12.0, section 7 and PSO VERIFY CERTIFICATE, (N095.900); for generation 1 gemSpec_COS 3.11.0
// (A_13617, A_13622, A_13697 to A_13714) and ISO/IEC 9796-2, digital signature scheme 1; BSI TR-03111, section 5.2.1.1, for
// r || s.
package cvc
