/* Messages in sealed memfds that are passed by SCM_RIGHTS: memfd_passed.py explains them. */
#include "link.h" /* first: Python.h asks for the extensions of GNU */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan.h"
#include "spinning.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define NEEDED (F_SEAL_SHRINK | F_SEAL_WRITE)

/* One process's end. Files are mapped at fixed addresses, one after another: as `Window` does in
 * Python, so that an old view of a slot is harmless. */
struct passed {
    struct link link;
    char *shown, *lent; /* reserved addresses, NULL where messages are copied */
    ssize_t shown_size; /* -1: no message is shown */
    unsigned char shown_slot;
    unsigned lent_slot;
    size_t lent_size;
    int lent_file; /* -1: nothing is lent */
    size_t seen;
};

static int
new_file(void)
{
    int file = memfd_create("ipcbench", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return file < 0 ? -errno : file;
}

static ssize_t
seal_and_pass(struct passed *self, int file, unsigned char slot)
{
    if (fcntl(file, F_ADD_SEALS, SEALS) < 0)
        return -errno;
    return ipcbench_link_describe(&self->link, &slot, 1, file);
}

static ssize_t
write_all(int file, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, data, size); /* 2 GiB at most */
        if (written >= 0)
            data += written, size -= written;
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

static ssize_t
passed_send(void *ctx, const void *data, size_t size)
{
    struct passed *self = ctx;
    if (size > self->link.size)
        return -EMSGSIZE;
    ssize_t slot = ipcbench_link_take(&self->link);
    if (slot < 0)
        return slot;
    int file = new_file();
    ssize_t failed = file < 0 ? file : write_all(file, data, size);
    if (failed >= 0)
        failed = seal_and_pass(self, file, (unsigned char)slot);
    if (file >= 0)
        close(file);
    if (failed < 0)
        ipcbench_link_restore(&self->link, slot);
    return failed;
}

/* Map a file at reserved addresses; `file` -1: unmap it, and leave zeros. 0 or -errno. */
static ssize_t
map(char *at, size_t size, int protection, int flags, int file)
{
    if (size == 0)
        return 0;
    return mmap(at, size, protection, flags | MAP_FIXED, file, 0) == MAP_FAILED ? -errno : 0;
}

static ssize_t
unmap(char *at, size_t size)
{
    return map(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

static ssize_t
passed_loan(void *ctx, void **slot, size_t size)
{
    struct passed *self = ctx;
    if (size > self->link.size)
        return -EMSGSIZE;
    ssize_t taken = ipcbench_link_take(&self->link);
    if (taken < 0)
        return taken;
    int file = new_file();
    ssize_t failed = file < 0 ? file : ftruncate(file, size) < 0 ? -errno : 0;
    if (failed >= 0)
        failed = map(self->lent, size, PROT_READ | PROT_WRITE, MAP_SHARED, file);
    if (failed < 0) {
        if (file >= 0)
            close(file);
        ipcbench_link_restore(&self->link, taken);
        return failed;
    }
    self->lent_file = file;
    self->lent_slot = taken;
    self->lent_size = size;
    *slot = self->lent;
    return 0;
}

static ssize_t
passed_commit(void *ctx, size_t size)
{
    struct passed *self = ctx;
    int file = self->lent_file;
    /* A writable mapping forbids F_SEAL_WRITE: fcntl(2), EBUSY. */
    ssize_t failed = unmap(self->lent, self->lent_size);
    if (failed >= 0 && size != self->lent_size && ftruncate(file, size) < 0)
        failed = -errno;
    if (failed >= 0)
        failed = seal_and_pass(self, file, (unsigned char)self->lent_slot);
    close(file);
    self->lent_file = -1;
    if (failed < 0)
        ipcbench_link_restore(&self->link, self->lent_slot);
    return failed;
}

/* Receive a packet with exactly one descriptor: its length, 0 for any other packet. Excess
 * descriptors are not installed: CMSG_SPACE would have room for one more, since it is rounded up. */
struct look {
    const struct passed *self;
    unsigned char *slot;
    int *file;
};

static ssize_t
receive_file(void *argument)
{
    const struct look *look = argument;
    int *file = look->file;
    char control[CMSG_SPACE(sizeof *file)] __attribute__((aligned(sizeof(size_t))));
    struct iovec part = {look->slot, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = CMSG_LEN(sizeof *file)};
    ssize_t length;
    do {
        message.msg_controllen = CMSG_LEN(sizeof *file);
        length = recvmsg(look->self->link.in, &message, MSG_CMSG_CLOEXEC);
    } while (length < 0 && (errno == EINTR || errno == ECONNRESET)); /* ipcbench_link_packet */
    if (length < 0)
        return ipcbench_link_error();
    if (length == 0)
        return -EPIPE;
    *file = -1;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    if (rights != NULL && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS &&
        rights->cmsg_len == CMSG_LEN(sizeof *file))
        memcpy(file, CMSG_DATA(rights), sizeof *file);
    return message.msg_flags & (MSG_CTRUNC | MSG_TRUNC) ? 0 : length;
}

/* The size of a file whose bytes and size cannot change any more, or -1. */
static off_t
sealed_size(int file)
{
    struct stat status;
    int seals = fcntl(file, F_GET_SEALS);
    if (seals < 0 || (seals & NEEDED) != NEEDED || fstat(file, &status) < 0)
        return -1;
    return status.st_size;
}

/* Wait for a message: its length, with its file, or -errno. The other process is not trusted: what
 * is no sealed file is closed and ignored. */
static ssize_t
receive(struct passed *self, unsigned char *slot, int *file)
{
    const struct wait_policy *policy = &self->link.policy;
    struct look look = {self, slot, file};
    for (;;) {
        int failed = policy->poll ? ipcbench_wait_readable(self->link.in, policy) : 0;
        if (failed < 0)
            return failed;
        ssize_t length = ipcbench_spins(policy) ? ipcbench_spin_at(policy, self->link.in, POLLIN,
                                                                   receive_file, &look)
                                                : receive_file(&look);
        if (length < 0)
            return length;
        off_t size = length > 0 && *file >= 0 ? sealed_size(*file) : -1;
        if (size >= 0)
            return size;
        if (*file >= 0)
            close(*file);
    }
}

/* Answer; the sender may be gone, and the message has arrived all the same. */
static void
answer(struct passed *self, unsigned char slot)
{
    ipcbench_link_answer(&self->link, slot);
}

static ssize_t
read_file(int file, char *buffer, size_t size)
{
    size_t at = 0;
    while (at < size) {
        ssize_t moved = pread(file, buffer + at, size - at, at); /* 2 GiB at most */
        if (moved > 0)
            at += moved;
        else if (moved == 0)
            return -EIO; /* a sealed file does not become shorter */
        else if (errno != EINTR)
            return -errno;
    }
    return size;
}

static ssize_t
passed_recv(void *ctx, void *buffer, size_t size)
{
    struct passed *self = ctx;
    unsigned char slot;
    int file;
    ssize_t length = receive(self, &slot, &file);
    if (length < 0)
        return length;
    length = (size_t)length <= size ? read_file(file, buffer, length) : -EMSGSIZE;
    close(file);
    answer(self, slot);
    return length;
}

static ssize_t
passed_peek(void *ctx, const void **slot)
{
    struct passed *self = ctx;
    *slot = self->shown;
    if (self->shown_size >= 0)
        return self->shown_size;
    int file;
    ssize_t length = receive(self, &self->shown_slot, &file);
    if (length < 0)
        return length;
    /* A shared mapping of a write-sealed file is refused before Linux 6.7, even to read. */
    ssize_t failed = (size_t)length > self->link.size
                         ? -EMSGSIZE
                         : map(self->shown, length, PROT_READ, MAP_PRIVATE, file);
    close(file);
    if (failed < 0) {
        answer(self, self->shown_slot);
        return failed;
    }
    self->shown_size = length;
    return length;
}

static ssize_t
passed_release(void *ctx)
{
    struct passed *self = ctx;
    if (self->shown_size < 0)
        return 0;
    ssize_t failed = unmap(self->shown, self->shown_size);
    self->shown_size = -1;
    answer(self, self->shown_slot);
    return failed;
}

static ssize_t
passed_read(void *ctx, void *Py_UNUSED(buffer), size_t size)
{
    struct passed *self = ctx;
    const void *slot;
    ssize_t length = passed_peek(self, &slot);
    if (length < 0)
        return length;
    self->seen += ipcbench_scan(slot, length);
    ssize_t failed = passed_release(self);
    if (failed < 0)
        return failed;
    return (size_t)length <= size ? length : -EMSGSIZE;
}

static void
dispose(void *ctx)
{
    struct passed *self = ctx;
    if (self->lent_file >= 0)
        close(self->lent_file);
    if (self->shown != NULL)
        munmap(self->shown, self->link.size + 1);
    if (self->lent != NULL)
        munmap(self->lent, self->link.size + 1);
}

/* Reserve addresses: 0, or -1 with an error set. */
static int
reserve(char **at, size_t size)
{
    void *found = mmap(NULL, size + 1, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (found == MAP_FAILED) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    *at = found;
    return 0;
}

static PyObject *
memfd_passed(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *owner;
    int out, in, depth, in_place;
    Py_ssize_t size;
    struct wait_policy policy;
    if (!PyArg_ParseTuple(arguments, "OiinipO&:memfd_passed", &owner, &out, &in, &size, &depth,
                          &in_place, ipcbench_wait_policy, &policy))
        return NULL;
    struct passed *self = PyMem_RawCalloc(1, sizeof *self);
    if (self == NULL)
        return PyErr_NoMemory();
    self->shown_size = self->lent_file = -1;
    if (ipcbench_link_init(&self->link, out, in, size, depth, &policy) < 0 ||
        (in_place && (reserve(&self->shown, size) < 0 || reserve(&self->lent, size) < 0))) {
        dispose(self);
        PyMem_RawFree(self);
        return NULL;
    }
    struct ipcbench_ops ops = {.ctx = self, .send = passed_send, .recv = passed_recv};
    if (in_place) {
        ops.flags = IPCBENCH_IN_PLACE;
        ops.recv = passed_read, ops.peek = passed_peek, ops.release = passed_release;
        ops.loan = passed_loan, ops.commit = passed_commit;
    }
    return ipcbench_capsule(ops, owner, dispose);
}

PyMethodDef ipcbench_memfd_passed[] = {
    {"memfd_passed", memfd_passed, METH_VARARGS,
     "Messages in sealed memfds: owner, sockets out and in, size, depth, in place, how it waits."},
    {NULL, NULL, 0, NULL},
};
