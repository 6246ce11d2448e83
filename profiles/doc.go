// Package profiles knows what a card carries: it loads the catalogue of card types, sectors and certificate profiles from
// data files, and plans the certificates of an order with it.
//
// The catalogue is data, because it changes with every issue of the specifications and differs from sector to sector:
//
//	cards/*.yaml        card types: which slots a card has, and which of them are not built yet
//	sectors/*.yaml      sectors: subject, admission, Telematik-ID, evidence (gemSpec_PKI, Annex A)
//	x509/*.yaml         X.509 profiles: key usage, policies, extensions in their order (gemSpec_PKI, Tab_PKI_238 to 244, 270_1)
//	cvc/*.yaml          profiles of CV certificates: role and device (gemSpec_PKI, chapter 6)
//	issuers/*.yaml      profiles of roots, issuing CAs and the signers to whom they delegate (gemSpec_PKI, Tab_PKI_211 to 215, 253)
//	institutions.yaml   institution OID, its text, the access profile of its role certificate
//	chat.yaml           access profiles: flag lists of CV certificates (gemSpec_PKI, Tab_PKI_918-02)
//	subca.yaml          CVC-CAs of the second level: what each may certify (gemSpec_PKI, Tab_PKI_919-02)
//	algorithms.yaml     the algorithm policy: until which day each algorithm may be used (gemSpec_Krypt)
//	revocation.yaml     who may have cards revoked, and for which reasons (gemRL_TSL_SP_CP, Tab_PKI_305)
//
// A new card type, sector or profile is a new file. Every rule in a file is written {value: ..., source: ...} or is a row with a key
// source, so that a violation can name the paragraph it comes from. The loader is strict: an unknown key, a wrong type, a missing
// source, a contradiction between two files is a Problem with file, line and rule, and all of them are reported at once.
//
// The planner is pure: order and context in, Plan or Refusal out; no clock, no randomness, no I/O. It looks for everything that is
// wrong with an order before it answers.
//
// Where to look:
//
//   - order.go, plan.go: Order, Refusal, Context, Issuer, Plan
//   - set.go: Set, Load, Builtin; load.go: the files and their hash
//   - card.go, sector.go, x509profile.go, qualifiedprofile.go, deviceprofile.go, cvcprofile.go, generation1.go, issuerprofile.go, tables.go, subca.go: the files' content and how it is read
//   - cited.go, yaml.go, problem.go: the strict reader of the files
//   - check.go: what must hold between the files; explain.go: what a file says, in words
//   - planner.go: the road of an order; slots.go, keys.go, rsa.go, institution.go, name.go, evidence.go, term.go, issuers.go: its checks;
//     qualified.go, device.go, renewal.go: what qualified certificates, devices and renewals have of their own
//   - policy.go, policyfile.go: the algorithm policy; algorithms.go: a plan held against it; whatif.go: two policies compared;
//     environment.go: which issuers belong into an environment
//   - revocation.go: who may have cards revoked, and why
//   - content.go, subject.go: what goes into the certificates; issuercontent.go: into those of issuers
//
// A Set and all it holds must not be changed after Load; it may then be used concurrently.
//
// Sources: gemSpec_PKI 2.14.1, gemSpec_OID 3.25.0, gemSpec_Krypt 2.23, gemSpec_SMC-B_ObjSys_G2.1 4.2.0 and 5.0.0, gemSpec_X.509_TSP 1.19.1.
package profiles
