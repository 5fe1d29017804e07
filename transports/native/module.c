/* The module `ipcbench.transports._native`: makes capsules of operations over handles that Python has. */
#include "capsule.h"

struct held {
    struct ipcbench_ops ops;
    PyObject *owner;
    void (*dispose)(void *ctx);
};

static void
let_go(struct held *held)
{
    if (held->dispose != NULL)
        held->dispose(held->ops.ctx);
    PyMem_RawFree(held->ops.ctx);
    Py_XDECREF(held->owner);
    PyMem_RawFree(held);
}

static void
destroy(PyObject *capsule)
{
    let_go(PyCapsule_GetPointer(capsule, IPCBENCH_OPS));
}

PyObject *
ipcbench_capsule(struct ipcbench_ops ops, PyObject *owner, void (*dispose)(void *ctx))
{
    struct held *held = PyMem_RawMalloc(sizeof *held);
    if (held == NULL) {
        if (dispose != NULL)
            dispose(ops.ctx);
        PyMem_RawFree(ops.ctx);
        return PyErr_NoMemory();
    }
    ops.abi = IPCBENCH_ABI;
    ops.struct_size = sizeof ops;
    *held = (struct held){ops, Py_NewRef(owner), dispose};
    /* The struct of operations comes first in what is held: one pointer is both. */
    PyObject *capsule = PyCapsule_New(held, IPCBENCH_OPS, destroy);
    if (capsule == NULL)
        let_go(held);
    return capsule;
}

static int
fill(PyObject *module)
{
    PyMethodDef *parts[] = {
        ipcbench_nothing,
        ipcbench_descriptors,
        ipcbench_queues,
        ipcbench_signalling,
        ipcbench_waiters,
        ipcbench_rings,
        ipcbench_word_rings,
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (PyModule_AddFunctions(module, parts[i]) < 0)
            return -1;
    if (PyType_Ready(&ipcbench_exporter) < 0)
        return -1;
    return PyModule_AddType(module, &ipcbench_calls);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, fill},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "ipcbench.transports._native",
    .m_doc = "Capsules of operations over the handles of endpoints: see native/ops.h.",
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
