package micro

import (
	"errors"
	"io"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	k8sjson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/runtime/serializer/streaming"
)

// kubernetes is what the watches of client-go use: a framer, and a decoder for
// its frames.
func kubernetes() []Contestant {
	const name = "kubernetes"
	return []Contestant{
		{Name: name, Task: Frame, Concatenated: true, Open: func(r io.Reader) (*Walk, error) {
			frame := k8sjson.Framer.NewFrameReader(io.NopCloser(r))
			buf := make([]byte, 1024) // where streaming.NewDecoder begins, too
			return frames(func() ([]byte, error) {
				at := 0
				for {
					n, err := frame.Read(buf[at:])
					at += n
					if !errors.Is(err, io.ErrShortBuffer) {
						return buf[:at], err
					}
					buf = append(buf, make([]byte, len(buf))...)
				}
			}), nil
		}},
		{Name: name, Task: Notification, Concatenated: true, Open: func(r io.Reader) (*Walk, error) {
			scheme := runtime.NewScheme()
			serializer := k8sjson.NewSerializerWithOptions(k8sjson.DefaultMetaFactory, scheme, scheme, k8sjson.SerializerOptions{})
			d := streaming.NewDecoder(k8sjson.Framer.NewFrameReader(io.NopCloser(r)), serializer)
			return headers(func() (*Header, error) {
				o := new(object)
				_, _, err := d.Decode(nil, o)
				return &o.Header, err
			}), nil
		}},
	}
}

// An object is a Header that Kubernetes' decoder takes for one of its own.
type object struct{ Header }

func (o *object) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }

func (o *object) DeepCopyObject() runtime.Object {
	c := *o
	return &c
}
