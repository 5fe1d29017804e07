/* The module `_native`: capsules of operations over handles that Python has opened. */
#include "capsule.h"
#include "open_capsule.h"

/* The compiler and its flags, for the record of a measurement. setup.py gives the flags. */
#ifndef IPCBENCH_FLAGS
#define IPCBENCH_FLAGS "unknown flags"
#endif
#ifdef __clang__
#define IPCBENCH_COMPILER __VERSION__ /* it begins with the name */
#else
#define IPCBENCH_COMPILER "GCC " __VERSION__
#endif
#ifdef __OPTIMIZE__
#define IPCBENCH_OPTIMIZED ""
#else
#define IPCBENCH_OPTIMIZED " (not optimized)"
#endif

struct capsule_content {
    struct ipcbench_ops ops;
    PyObject *owner;
    PyObject *lender; /* the capsule that `ctx` belongs to, or NULL: it is this one */
    void (*dispose)(void *ctx);
};

static void
capsule_content_free(struct capsule_content *content)
{
    if (content->dispose != NULL)
        content->dispose(content->ops.ctx);
    if (content->lender == NULL)
        PyMem_RawFree(content->ops.ctx);
    /* Before the owner, which unmaps its memory when it goes: that of `ctx` is no longer used. */
    Py_XDECREF(content->lender);
    Py_XDECREF(content->owner);
    PyMem_RawFree(content);
}

static void
destroy(PyObject *capsule)
{
    capsule_content_free(PyCapsule_GetPointer(capsule, IPCBENCH_OPS));
}

PyObject *
ipcbench_capsule(struct ipcbench_ops ops, PyObject *owner, void (*dispose)(void *ctx))
{
    struct capsule_content *content = PyMem_RawMalloc(sizeof *content);
    if (content == NULL) {
        if (dispose != NULL)
            dispose(ops.ctx);
        PyMem_RawFree(ops.ctx);
        return PyErr_NoMemory();
    }
    ops.abi = IPCBENCH_ABI;
    ops.struct_size = sizeof ops;
    *content = (struct capsule_content){ops, Py_NewRef(owner), NULL, dispose};
    /* `ops` is the first member, so the capsule's pointer is a pointer to both. */
    PyObject *capsule = PyCapsule_New(content, IPCBENCH_OPS, destroy);
    if (capsule == NULL)
        capsule_content_free(content);
    return capsule;
}

/* A capsule of the operations of another one, which has no owner. An endpoint keeps the other one,
 * for its position: capsules are unknown to the garbage collector, so an endpoint that keeps a
 * capsule which keeps the endpoint would never be freed. */
static PyObject *
with_owner(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner, *lender;
    struct ipcbench_ops ops;
    if (!PyArg_ParseTuple(arguments, "OO:with_owner", &owner, &lender) ||
        ipcbench_open(lender, &ops) < 0)
        return NULL;
    void *ctx = ops.ctx;
    ops.ctx = NULL;
    PyObject *capsule = ipcbench_capsule(ops, owner, NULL);
    if (capsule == NULL)
        return NULL;
    struct capsule_content *content = PyCapsule_GetPointer(capsule, IPCBENCH_OPS);
    content->ops.ctx = ctx;
    content->lender = Py_NewRef(lender);
    return capsule;
}

static PyMethodDef owners[] = {
    {"with_owner", with_owner, METH_VARARGS, "The operations of a capsule, and an owner: owner, capsule."},
    {NULL, NULL, 0, NULL},
};

static int
add_parts(PyObject *module)
{
    PyMethodDef *parts[] = {
        owners,
        ipcbench_null,
        ipcbench_descriptors,
        ipcbench_datagram_hubs,
        ipcbench_queues,
        ipcbench_signalling,
        ipcbench_waiters,
        ipcbench_counted_rings,
        ipcbench_rings,
        ipcbench_newest,
        ipcbench_memfd_passed,
        ipcbench_memfd_pool,
        ipcbench_process_vm,
        ipcbench_vmsplice,
        ipcbench_files,
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (PyModule_AddFunctions(module, parts[i]) < 0)
            return -1;
    if (PyModule_AddStringConstant(module, "BUILD",
                                   IPCBENCH_COMPILER ", " IPCBENCH_FLAGS IPCBENCH_OPTIMIZED) < 0)
        return -1;
    if (PyType_Ready(&ipcbench_exporter) < 0)
        return -1;
    PyObject *names = ipcbench_operation_names();
    int failed = names == NULL ? -1 : PyModule_AddObjectRef(module, "OPERATIONS", names);
    Py_XDECREF(names);
    if (failed < 0 || PyModule_AddType(module, &ipcbench_memory_waiter) < 0)
        return -1;
    return PyModule_AddType(module, &ipcbench_calls);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, add_parts},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "ipcbench.transports.native._native",
    .m_doc = "Capsules of operations over the handles of endpoints: see ops.h.",
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
