package object

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
)

// padding stands for the empty password: ISO 32000-1, 7.6.3.3.
var padding = []byte("\x28\xbf\x4e\x5e\x4e\x75\x8a\x41\x64\x00\x4e\x56\xff\xfa\x01\x08" +
	"\x2e\x2e\x00\xb6\xd0\x68\x3e\x80\x2f\x0c\xa9\xfe\x64\x53\x69\x7a")

// openCrypt tries the empty password, which opens many encrypted files for
// everyone.
func (f *File) openCrypt() *crypt {
	if f.Get(f.Trailer["Encrypt"]) == nil {
		return nil
	}
	d := f.Dict(f.Trailer["Encrypt"])
	c := &crypt{locked: true, metadata: f.Get(d["EncryptMetadata"]) != false}
	if f.Name(d["Filter"]) != "Standard" {
		return c
	}
	version, length := f.Int(d["V"], 0), f.Int(d["Length"], 40)/8
	switch version {
	case 1:
		length = 5
		c.strings, c.streams = rc4Method, rc4Method
	case 2, 3:
		c.strings, c.streams = rc4Method, rc4Method
	case 4, 5:
		length = 16
		c.strings, c.streams = f.cryptFilter(d, "StrF"), f.cryptFilter(d, "StmF")
	default:
		return c
	}
	if length < 5 || length > 16 {
		length = 16
	}
	if version == 5 {
		c.key = f.key256(d)
	} else {
		c.key = f.key128(d, length, c.metadata)
	}
	c.locked = c.key == nil
	return c
}

func (f *File) cryptFilter(d Dict, key Name) method {
	filter := f.Dict(f.Dict(d["CF"])[f.Name(d[key])])
	switch f.Name(filter["CFM"]) {
	case "V2":
		return rc4Method
	case "AESV2":
		return aes128
	case "AESV3":
		return aes256
	}
	return identity
}

// string returns a string of at least n octets, or nil.
func (f *File) string(v any, n int) []byte {
	s, _ := f.Get(v).(String)
	if len(s) < n {
		return nil
	}
	return []byte(s[:n])
}

// key128 returns the key of the empty password for RC4 and AES with 128 bits, or
// nil if the password is another: ISO 32000-1, algorithms 2, 4 and 5.
func (f *File) key128(d Dict, length int, metadata bool) []byte {
	revision := f.Int(d["R"], 0)
	owner, user := f.string(d["O"], 32), f.string(d["U"], 16)
	if owner == nil || user == nil {
		return nil
	}
	var id String
	if ids := f.Array(f.Trailer["ID"]); len(ids) > 0 {
		id, _ = f.Get(ids[0]).(String)
	}
	h := md5.New()
	h.Write(padding)
	h.Write(owner)
	h.Write(binary.LittleEndian.AppendUint32(nil, uint32(f.Int(d["P"], 0))))
	h.Write([]byte(id))
	if revision >= 4 && !metadata {
		h.Write([]byte("\xff\xff\xff\xff"))
	}
	key := h.Sum(nil)[:length]
	if revision < 3 {
		if check := arc4(key, padding); !bytes.Equal(check[:16], user) {
			return nil
		}
		return key
	}
	for range 50 {
		sum := md5.Sum(key)
		key = sum[:length]
	}
	sum := md5.Sum(append(bytes.Clone(padding), id...))
	check := sum[:]
	for i := range 20 {
		round := bytes.Clone(key)
		for j := range round {
			round[j] ^= byte(i)
		}
		check = arc4(round, check)
	}
	if !bytes.Equal(check, user) {
		return nil
	}
	return key
}

func arc4(key, data []byte) []byte {
	out := make([]byte, len(data))
	if c, err := rc4.NewCipher(key); err == nil {
		c.XORKeyStream(out, data)
	}
	return out
}

// key256 is key128 for AES with 256 bits: ISO 32000-2, algorithms 2.A and 11.
func (f *File) key256(d Dict) []byte {
	user, sealed := f.string(d["U"], 48), f.string(d["UE"], 32)
	if user == nil || sealed == nil {
		return nil
	}
	hash := hash256
	if f.Int(d["R"], 0) < 6 {
		hash = func(salt []byte) []byte { sum := sha256.Sum256(salt); return sum[:] }
	}
	if !bytes.Equal(hash(user[32:40]), user[:32]) {
		return nil
	}
	block, err := aes.NewCipher(hash(user[40:48]))
	if err != nil {
		return nil
	}
	key := make([]byte, 32)
	cipher.NewCBCDecrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(key, sealed)
	return key
}

// hash256 is algorithm 2.B for the empty password.
func hash256(salt []byte) []byte {
	sum := sha256.Sum256(salt)
	key := sum[:]
	for round := 1; ; round++ {
		data := bytes.Repeat(key, 64)
		block, _ := aes.NewCipher(key[:16])
		cipher.NewCBCEncrypter(block, key[16:32]).CryptBlocks(data, data)
		rest := 0 // of the first 16 octets as a number, divided by 3
		for _, c := range data[:16] {
			rest += int(c)
		}
		switch rest % 3 {
		case 0:
			sum := sha256.Sum256(data)
			key = sum[:]
		case 1:
			sum := sha512.Sum384(data)
			key = sum[:]
		default:
			sum := sha512.Sum512(data)
			key = sum[:]
		}
		if round >= 64 && int(data[len(data)-1]) <= round-32 {
			return key[:32]
		}
	}
}
