# SPDX-License-Identifier: BSD-2-Clause
"""/dev/bpf as a file: what a program of a BSD does with it, over pfild-devbpf (contract 2.3, 2.4, 2.7, 2.8)."""
import contextlib
import ctypes
import errno
import mmap
import os
import select
import signal
import struct
import subprocess
import sys
import threading

import pytest
from scapy.all import Ether

from harness import bpf_file as bpf
from harness.bpf_file import DevBpf
from harness.frames import FramePort
from harness.judges import wait_until

TYPE = 0x88B5  # for experiments, IEEE 802
PATIENCE_S = 30
EXPRESSION = f"ether proto {TYPE}"
ALL = struct.pack("=HBBI", 6, 0, 0, 262144)


def frame(mark=0, length=60):
    return bytes(Ether(src="02:00:00:00:00:99", dst="02:00:00:00:01:02", type=TYPE)) + bytes([mark]) * (length - 14)


@contextlib.contextmanager
def fails(*codes):
    with pytest.raises(OSError) as error:
        yield
    assert error.value.errno in codes, error.value


@pytest.fixture
def dev(daemon):
    with DevBpf(daemon) as one:
        yield one


@pytest.fixture
def port(host_lab):
    """The wire: what is sent here arrives at the daemon's eth0."""
    with FramePort(host_lab.cli) as one:
        yield one


def devices(daemon):
    return daemon.bpfctl.json("peers")["devices"]


def ready(file, timeout_s=0.0):
    """What poll(2) says of reading, or nothing."""
    poller = select.poll()
    poller.register(file, select.POLLIN)
    return dict(poller.poll(timeout_s * 1000)).get(file.fileno(), 0)


def test_every_setting_is_what_was_set(dev):
    with dev.open() as file:
        assert file.u32(bpf.GBLEN) == 32768
        for wanted, became in ((0, 32), (4096, 4096), (0xFFFFFFFF, 1044480)):
            assert file.set_u32(bpf.SBLEN, wanted) == became == file.u32(bpf.GBLEN), "clamped to what one read can have"
        file.buffer_size = file.set_u32(bpf.SBLEN, 65536)
        for number in (bpf.GDLT, bpf.GETIF, bpf.PROMISC):
            with fails(errno.EINVAL):
                file.ioctl(number)
        with fails(errno.EINVAL):
            file.read()
        for name in ("", "nothing0", "a name", "x" * 15):
            with fails(errno.ENXIO):
                file.set_interface(name)
        file.set_interface("eth0")
        with fails(errno.EINVAL):
            file.set_interface("eth0")
        with fails(errno.EINVAL):
            file.set_u32(bpf.SBLEN, 4096)
        assert file.ioctl(bpf.GETIF)[:16].rstrip(b"\0") == b"eth0"
        assert file.u32(bpf.GDLT) == 1
        file.set_u32(bpf.SDLT, 1)
        with fails(errno.EINVAL):
            file.set_u32(bpf.SDLT, 12)
        file.ioctl(bpf.PROMISC)
        assert struct.unpack("=HH", file.ioctl(bpf.VERSION)) == (1, 1)
        file.set_u32(bpf.SHDRCMPLT, 7)
        assert file.u32(bpf.GHDRCMPLT) == 1
        for direction in (0, 2, 1):
            file.set_u32(bpf.SDIRECTION, direction)
            assert file.u32(bpf.GDIRECTION) == direction
        with fails(errno.EINVAL):
            file.set_u32(bpf.SDIRECTION, 3)
        for left_out, direction in ((1, 2), (2, 0), (0, 1)):
            file.set_u32(bpf.SDIRFILT, left_out)
            assert (file.u32(bpf.GDIRFILT), file.u32(bpf.GDIRECTION)) == (left_out, direction)
        with fails(errno.EINVAL):
            file.set_u32(bpf.SDIRFILT, 3)
        file.set_u32(bpf.SFEEDBACK, 2)
        assert file.u32(bpf.GFEEDBACK) == 1
        file.ioctl(bpf.SRTIMEOUT, struct.pack("=qq", 1, 500000))
        assert struct.unpack("=qq", file.ioctl(bpf.GRTIMEOUT)) == (1, 500000)
        with fails(errno.EINVAL):
            file.ioctl(bpf.SRTIMEOUT, struct.pack("=qq", 0, 1000000))
        assert struct.unpack("=II", file.ioctl(bpf.GSTATSOLD))[1] == 0
        with fails(errno.ENOTTY):
            file.ioctl(bpf._number(1, 124, 4), struct.pack("=I", 1))
        assert not os.isatty(file.fd)
        file.ioctl(bpf.LOCK)
        with fails(errno.EPERM):
            file.set_program(ALL)


def test_a_device_is_the_programs_and_not_the_servers(daemon, dev):
    with dev.open("eth0"):
        (device,) = devices(daemon)
        assert device["pid"] == os.getpid()


def test_packets_are_read_as_they_came_and_written_as_they_are(dev, port):
    with dev.open("eth0", expression=EXPRESSION, immediate=True) as file:
        port.send(frame(1), frame(2, 1514))
        seen = []
        while len(seen) < 2:
            seen += file.read()
        assert [one.data for one in seen] == [frame(1), frame(2, 1514)]
        for wrong in (file.buffer_size - 1, file.buffer_size + 1, 32):
            with fails(errno.EINVAL):
                file.read(wrong)
        assert file.stats()[2] == 2
        file.ioctl(bpf.FLUSH)
        assert file.stats() == (0, 0, 0)
        parts = [bytearray(1000), bytearray(file.buffer_size - 1000)]
        port.send(frame(3))
        assert os.readv(file.fd, parts) == 96 and parts[0][32:92] == frame(3), "one read, whatever pieces it goes to"
        file.set_u32(bpf.SHDRCMPLT, 1)
        assert file.write(frame(4)) == 60
        assert os.writev(file.fd, [frame(5)[:14], frame(5)[14:30], frame(5)[30:]]) == 60, "one frame"
        assert file.write(b"") == 0
        arrived = port.receive(lambda packet: packet.type == TYPE, count=2, timeout_s=PATIENCE_S)
        assert [one.bytes for one in arrived] == [frame(4), frame(5)]
        for length in (13, 1515, 65536, 200000):
            with fails(errno.EMSGSIZE):
                file.write(frame(6, length)[:length])


def test_the_largest_buffer_is_read_whole(dev, port):
    with dev.open("eth0", expression=EXPRESSION, buffer_size=0xFFFFFFFF) as file:
        assert file.buffer_size == 1044480
        marks = [number % 251 for number in range(800)]
        file.ioctl(bpf.SRTIMEOUT, struct.pack("=qq", PATIENCE_S, 0))
        for at in range(0, len(marks), 50):
            port.send(*(frame(mark, 1514) for mark in marks[at : at + 50]))
            wait_until(lambda wanted=at + 50: file.stats()[2] >= min(wanted, 674), PATIENCE_S)
        records = file.read()
        assert [one.data for one in records] == [frame(mark, 1514) for mark in marks[: len(records)]]
        assert len(records) == 1044480 // 1552, "as many as there is room for"


def test_pointers_are_the_callers_and_wrong_ones_are_refused(dev, port):
    with dev.open("eth0", immediate=True) as file:
        page = mmap.mmap(-1, 2 * mmap.PAGESIZE)
        at = ctypes.addressof(ctypes.c_char.from_buffer(page))
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.mprotect(ctypes.c_void_p(at + mmap.PAGESIZE), mmap.PAGESIZE, mmap.PROT_READ) == 0
        assert file.link_types_at(0, 0) == 1
        assert file.link_types_at(at, 64) == 1 and page[:8] == struct.pack("=II", 1, 0)
        with fails(errno.ENOMEM):
            file.link_types_at(at, 0)
        for address in (1, 0xFFFFFFFFFFFFF000, 2**63, at + mmap.PAGESIZE):
            with fails(errno.EFAULT):
                file.link_types_at(address, 64)
        page[mmap.PAGESIZE - 8 : mmap.PAGESIZE] = ALL
        file.set_program_at(at + mmap.PAGESIZE - 8, 1)
        file.set_filter(EXPRESSION)
        for address in (0, 1, 0xFFFFFFFFFFFFF000, 2**63):
            for number in (bpf.SETF, bpf.SETFNR, bpf.SETWF):
                with fails(errno.EFAULT):
                    file.set_program_at(address, 1, number)
        for count in (513, 0x20000000, 0xFFFFFFFF):
            with fails(errno.EINVAL):
                file.set_program_at(at, count)
        with fails(errno.EINVAL):  # it does not end
            file.set_program(struct.pack("=HBBI", 0, 0, 0, 1))
        file.set_program(ALL * 512, bpf.SETFNR)
        file.set_program_at(0, 0)  # none
        port.send(frame(1))
        assert frame(1) in [one.data for one in file.read()]


def test_a_wait_ends_with_a_signal_a_time_out_or_at_once(dev, port):
    with dev.open("eth0", expression=EXPRESSION, immediate=True) as file:
        file.set_nonblocking()
        with fails(errno.EAGAIN):
            file.read()
        file.set_nonblocking(False)
        file.ioctl(bpf.SRTIMEOUT, struct.pack("=qq", 0, 50000))
        with fails(errno.EAGAIN):
            file.read()
        file.ioctl(bpf.SRTIMEOUT, struct.pack("=qq", 0, 0))

        class Rang(Exception):
            pass

        def ring(_number, _frame):
            raise Rang

        before = signal.signal(signal.SIGUSR1, ring)
        main = threading.main_thread().ident
        bell = threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGUSR1))
        bell.start()
        with pytest.raises(Rang):
            file.read()
        bell.join()
        signal.signal(signal.SIGUSR1, before)
        port.send(frame(1))
        assert [one.data for one in file.read()] == [frame(1)], "nothing is lost by it"


def test_poll_and_select_say_when_a_read_would_not_wait(dev, port):
    with dev.open("eth0", expression=EXPRESSION) as file:
        assert ready(file) == 0
        file.set_u32(bpf.IMMEDIATE, 1)
        for mark in range(20):
            assert ready(file) == 0
            port.send(frame(mark))
            assert ready(file, PATIENCE_S) == select.POLLIN
            assert select.select([file], [file], [file], 0) == ([file], [file], [])
            assert [one.data for one in file.read()] == [frame(mark)]
        with dev.open() as other:
            assert ready(other) == select.POLLIN, "without an interface a read fails at once"


@pytest.mark.parametrize("edge", [False, True], ids=["level", "edge"])
def test_epoll_tells_of_every_packet(dev, port, edge):
    with dev.open("eth0", expression=EXPRESSION, immediate=True) as file, select.epoll() as poller:
        file.set_nonblocking()
        poller.register(file, select.EPOLLIN | (select.EPOLLET if edge else 0))
        for mark in range(50):
            port.send(frame(mark))
            seen = []
            while not seen:
                assert poller.poll(PATIENCE_S), f"it is told of packet {mark}"
                with contextlib.suppress(BlockingIOError):
                    while True:
                        seen += file.read()
            assert [one.data for one in seen] == [frame(mark)]


def test_a_wait_time_out_wakes_a_program_after_it(dev, port):
    with dev.open("eth0", expression=EXPRESSION) as file:
        with fails(errno.ENXIO):
            file.ioctl(bpf.GWTIMEOUT)
        with fails(errno.EINVAL):
            file.ioctl(bpf.SWTIMEOUT, struct.pack("=qq", 301, 0))
        file.ioctl(bpf.SWTIMEOUT, struct.pack("=qq", 0, 300000))
        assert struct.unpack("=qq", file.ioctl(bpf.GWTIMEOUT)) == (0, 300000)
        port.send(frame(1), frame(2))
        assert ready(file, PATIENCE_S) == select.POLLIN
        assert [one.data for one in file.read()] == [frame(1), frame(2)]
        file.ioctl(bpf.DWTIMEOUT)
        file.ioctl(bpf.DWTIMEOUT)
        with fails(errno.ENXIO):
            file.ioctl(bpf.GWTIMEOUT)


def test_what_is_written_with_feedback_is_shown_once(dev, port):
    with dev.open("eth0", expression=EXPRESSION, immediate=True) as file:
        file.set_u32(bpf.SFEEDBACK, 1)
        assert file.write(frame(1)) == 60
        port.send(frame(2))
        seen = []
        while not seen or seen[-1].data != frame(2):  # behind a second showing, if there were one
            seen += file.read()
        assert [one.data[14:] for one in seen] == [frame(1)[14:], frame(2)[14:]]


def test_dup_fork_and_exec_share_the_device_and_the_last_close_ends_it(daemon, dev, port):
    file = dev.open("eth0", expression=EXPRESSION, immediate=True)
    second = os.dup(file.fd)
    file.close()
    reader = f"import os; print(os.read({second}, 32768)[32:46].hex())"
    child = subprocess.Popen([sys.executable, "-c", reader], pass_fds=[second], stdout=subprocess.PIPE, text=True)
    port.send(frame(1))
    assert child.communicate(timeout=PATIENCE_S)[0].strip() == frame(1)[:14].hex()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if frame(2) in os.read(second, 32768) else 1)
    port.send(frame(2))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(devices(daemon)) == 1
    os.close(second)
    wait_until(lambda: not devices(daemon), PATIENCE_S)


def test_a_second_reader_is_told_EIO_and_who_writes_is_not_kept_waiting(dev, port):
    with dev.open("eth0", expression=EXPRESSION, immediate=True) as file:
        got = []
        reader = threading.Thread(target=lambda: got.extend(file.read()))
        reader.start()

        def is_waiting():
            try:
                file.u32(bpf.GBLEN)
            except OSError as error:
                return error.errno == errno.EIO
            return False

        wait_until(is_waiting, PATIENCE_S)
        with fails(errno.EIO):
            file.read()
        assert file.write(frame(9)) == 60, "BD-84"
        reader.join(PATIENCE_S)
        assert [one.data[14:] for one in got] == [frame(9)[14:]], "it sees what it has written"


def test_access_is_what_the_file_was_opened_for(dev):
    with dev.open("eth0", flags=os.O_RDONLY) as file:
        with fails(errno.EBADF):
            file.write(frame())
    with dev.open("eth0", flags=os.O_WRONLY) as file:
        with fails(errno.EBADF):
            file.read()
        assert file.write(frame()) == 60
    with dev.open() as file, fails(errno.ESPIPE):
        os.lseek(file.fd, 1, os.SEEK_SET)


def test_killed_clients_leave_nothing(daemon, dev, port):
    before = dev.descriptors()
    reader = "import os, sys; from harness.bpf_file import BpfFile; f = BpfFile(sys.argv[1], 'eth0'); print('here', flush=True); f.read()"
    folder = os.path.dirname(os.path.dirname(bpf.__file__))
    for _ in range(3):
        children = [
            subprocess.Popen([sys.executable, "-c", reader, dev.path], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": folder})
            for _ in range(5)
        ]
        for child in children:
            assert child.stdout.readline() == b"here\n"
        for child in children:
            child.kill()
            assert child.wait(PATIENCE_S) == -signal.SIGKILL
            child.stdout.close()
    wait_until(lambda: not devices(daemon), PATIENCE_S)
    wait_until(lambda: dev.descriptors() == before, PATIENCE_S)


def test_without_a_daemon_a_device_is_gone_and_none_can_be_opened(daemon, dev):
    file = dev.open("eth0", expression=EXPRESSION)
    daemon.kill9()
    with fails(errno.EIO):
        file.read()
    assert ready(file, PATIENCE_S) & select.POLLHUP
    with fails(errno.ENXIO):
        dev.open()
    daemon.start()
    with fails(errno.EIO):
        file.u32(bpf.GBLEN)
    dev.open("eth0")
    file.close()


def test_a_hung_daemon_does_not_hold_a_killed_client(daemon, dev):
    file = dev.open("eth0")
    daemon.signal(signal.SIGSTOP)
    pid = os.fork()
    if pid == 0:
        file.u32(bpf.GBLEN)
        os._exit(0)
    os.kill(pid, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    daemon.signal(signal.SIGCONT)


def test_an_interface_that_goes_is_told_after_its_packets(host_lab, daemon, dev, port):
    with dev.open("eth0", expression=EXPRESSION) as file:
        port.send(frame(1))
        wait_until(lambda: file.stats()[2] == 1, PATIENCE_S)
        host_lab.fw.run("ip", "link", "del", "eth0")
        assert [one.data for one in file.read()] == [frame(1)]
        assert ready(file, PATIENCE_S) == select.POLLIN | select.POLLHUP
        with fails(errno.EIO, errno.ENXIO):
            file.read()
    assert daemon.stop() == 0
