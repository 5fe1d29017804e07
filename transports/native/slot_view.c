/* Memoryviews of slots: of the message of `peek`, and of the free slot of `loan`. */
#include "capsule.h"

/* The object behind a memoryview. It may outlive the endpoint. */
struct exporter {
    PyObject_HEAD
    PyObject *capsule;
    void *slot;
    Py_ssize_t size;
    int readonly;
};

static int
get(struct exporter *self, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, (PyObject *)self, self->slot, self->size, self->readonly, flags);
}

static void
dealloc(struct exporter *self)
{
    Py_XDECREF(self->capsule);
    Py_TYPE(self)->tp_free(self);
}

static PyBufferProcs buffer = {.bf_getbuffer = (getbufferproc)get};

PyTypeObject ipcbench_exporter = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "ipcbench.transports.native._native.View",
    .tp_doc = "The bytes of a slot; it keeps them mapped.",
    .tp_basicsize = sizeof(struct exporter),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)dealloc,
    .tp_as_buffer = &buffer,
};

PyObject *
ipcbench_view(PyObject *capsule, void *slot, Py_ssize_t size, int readonly)
{
    struct exporter *made = PyObject_New(struct exporter, &ipcbench_exporter);
    if (made == NULL)
        return NULL;
    made->capsule = Py_NewRef(capsule);
    made->slot = slot;
    made->size = size;
    made->readonly = readonly;
    PyObject *view = PyMemoryView_FromObject((PyObject *)made);
    Py_DECREF(made);
    return view;
}
