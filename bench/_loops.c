/* The timed loops, compiled: twins of bench/loops.py over a capsule of operations. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "transports/native/ops.h"

static PyMethodDef methods[] = {
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "bench._loops",
    .m_doc = "The timed loops, compiled: each has a twin of its name in bench/loops.py.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__loops(void)
{
    return PyModuleDef_Init(&definition);
}
