package object

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/rc4"
)

// crypt decrypts strings and streams. A nil crypt leaves them as they are.
type crypt struct {
	locked   bool // nobody opens the file without a password
	key      []byte
	strings  method
	streams  method
	metadata bool // that the metadata is encrypted
}

type method byte

const (
	identity method = iota
	rc4Method
	aes128
	aes256
)

// object decrypts the strings of an object.
func (c *crypt) object(v any, ref Ref, depth int) any {
	if c == nil || c.locked || c.strings == identity || depth > mostDepth {
		return v
	}
	switch v := v.(type) {
	case String:
		return String(c.decrypt(c.strings, []byte(v), ref))
	case Array:
		for i := range v {
			v[i] = c.object(v[i], ref, depth+1)
		}
	case Dict:
		for key := range v {
			v[key] = c.object(v[key], ref, depth+1)
		}
	}
	return v
}

func (c *crypt) stream(data []byte, s *Stream) []byte {
	kind, _ := s.Dict["Type"].(Name)
	if c == nil || s.ref.Num < 0 || kind == "XRef" || kind == "Metadata" && !c.metadata {
		return data
	}
	return c.decrypt(c.streams, data, s.ref)
}

func (c *crypt) decrypt(m method, data []byte, ref Ref) []byte {
	switch m {
	case rc4Method:
		out := make([]byte, len(data))
		if cipher, err := rc4.NewCipher(c.objectKey(ref, "")); err == nil {
			cipher.XORKeyStream(out, data)
		}
		return out
	case aes128:
		return unCBC(c.objectKey(ref, "sAlT"), data)
	case aes256:
		return unCBC(c.key, data)
	}
	return data
}

// objectKey mixes the object's number into the key.
func (c *crypt) objectKey(ref Ref, salt string) []byte {
	mixed := append([]byte(nil), c.key...)
	mixed = append(mixed, byte(ref.Num), byte(ref.Num>>8), byte(ref.Num>>16), byte(ref.Gen), byte(ref.Gen>>8))
	sum := md5.Sum(append(mixed, salt...))
	return sum[:min(len(c.key)+5, 16)]
}

// unCBC decrypts what begins with its initial vector and ends with padding.
func unCBC(key, data []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil || len(data) < 2*aes.BlockSize {
		return nil
	}
	vector, data := data[:aes.BlockSize], data[aes.BlockSize:]
	out := make([]byte, len(data)/aes.BlockSize*aes.BlockSize)
	cipher.NewCBCDecrypter(block, vector).CryptBlocks(out, data[:len(out)])
	if n := int(out[len(out)-1]); n <= aes.BlockSize {
		out = out[:len(out)-n]
	}
	return out
}
