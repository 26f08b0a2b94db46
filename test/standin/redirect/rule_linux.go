package redirect

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// A rule is what has to match, and what then happens: return, or redirect.
type rule struct {
	matches []match
	then    match
}

// A match is a part of a rule, as nft writes it and as the kernel takes it.
type match struct {
	text  string
	exprs []expr.Any
}

// String is the rule in nft's syntax.
func (r rule) String() string {
	var words []string
	for _, m := range append(r.matches, r.then) {
		words = append(words, m.text)
	}
	return strings.Join(words, " ")
}

func (r rule) exprs() []expr.Any {
	var all []expr.Any
	for _, m := range append(r.matches, r.then) {
		all = append(all, m.exprs...)
	}
	return all
}

// Outcomes. In a chain of NAT type, to return is to leave the connection alone.
var leave = match{"return", []expr.Any{&expr.Verdict{Kind: expr.VerdictReturn}}}

func redirectTo(port uint16) match {
	return match{fmt.Sprintf("redirect to :%d", port), []expr.Any{
		&expr.Immediate{Register: 1, Data: bigEndian(port)},
		&expr.Redir{RegisterProtoMin: 1},
	}}
}

// Matches.

var tcp = match{"meta l4proto tcp", []expr.Any{
	&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
	equal([]byte{unix.IPPROTO_TCP}),
}}

func destinationPort(port uint16) match {
	return match{fmt.Sprintf("tcp dport %d", port), append(tcp.exprs[:2:2],
		&expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2, DestRegister: 1},
		equal(bigEndian(port)))}
}

func notDestinationPort(port uint16) match {
	return match{fmt.Sprintf("tcp dport != %d", port), append(tcp.exprs[:2:2],
		&expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2, DestRegister: 1},
		unequal(bigEndian(port)))}
}

func in(name string) match {
	return match{fmt.Sprintf("iifname %q", name), []expr.Any{
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1}, equal(interfaceBytes(name))}}
}

func out(name string) match {
	return match{fmt.Sprintf("oifname %q", name), []expr.Any{
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1}, equal(interfaceBytes(name))}}
}

func user(id uint32) match {
	return match{fmt.Sprintf("meta skuid %d", id), []expr.Any{
		&expr.Meta{Key: expr.MetaKeySKUID, Register: 1}, equal(binaryutil.NativeEndian.PutUint32(id))}}
}

func notUser(id uint32) match {
	return match{fmt.Sprintf("meta skuid != %d", id), []expr.Any{
		&expr.Meta{Key: expr.MetaKeySKUID, Register: 1}, unequal(binaryutil.NativeEndian.PutUint32(id))}}
}

func group(id uint32) match {
	return match{fmt.Sprintf("meta skgid %d", id), []expr.Any{
		&expr.Meta{Key: expr.MetaKeySKGID, Register: 1}, equal(binaryutil.NativeEndian.PutUint32(id))}}
}

func notGroup(id uint32) match {
	return match{fmt.Sprintf("meta skgid != %d", id), []expr.Any{
		&expr.Meta{Key: expr.MetaKeySKGID, Register: 1}, unequal(binaryutil.NativeEndian.PutUint32(id))}}
}

func source(p netip.Prefix) match         { return address("saddr", p, 12, 8, false) }
func destination(p netip.Prefix) match    { return address("daddr", p, 16, 24, false) }
func notDestination(p netip.Prefix) match { return address("daddr", p, 16, 24, true) }

// address matches packets of the prefix's family whose address, at offset4 or
// offset6 of the header, is within the prefix, or is not.
func address(field string, p netip.Prefix, offset4, offset6 uint32, not bool) match {
	protocol, family, offset := "ip", byte(unix.NFPROTO_IPV4), offset4
	if p.Addr().Is6() {
		protocol, family, offset = "ip6", unix.NFPROTO_IPV6, offset6
	}
	base := p.Masked().Addr().AsSlice()
	compare, operator := equal(base), ""
	if not {
		compare, operator = unequal(base), "!= "
	}
	length := uint32(len(base))
	return match{fmt.Sprintf("%s %s %s%s", protocol, field, operator, prefixText(p)), []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1},
		equal([]byte{family}),
		&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length, DestRegister: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: length, Mask: mask(p), Xor: make([]byte, length)},
		compare,
	}}
}

// prefixText leaves out the length of a single address, as nft does.
func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func mask(p netip.Prefix) []byte {
	m := make([]byte, p.Addr().BitLen()/8)
	for i := range p.Bits() {
		m[i/8] |= 0x80 >> (i % 8)
	}
	return m
}

func equal(data []byte) expr.Any   { return &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: data} }
func unequal(data []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: data} }

func bigEndian(port uint16) []byte { return binary.BigEndian.AppendUint16(nil, port) }

// interfaceBytes is a name as the kernel compares it: 16 bytes, zeros at the end.
func interfaceBytes(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}
