using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Linux;

/// <summary>
/// A connection as the kernel hands it out: a descriptor and the uid behind it, and no object for either until it is let in.
/// </summary>
/// <param name="Descriptor">To be closed, or made into a socket.</param>
/// <param name="Uid">As <see cref="PeerCredentials"/> has it.</param>
[StructLayout(LayoutKind.Auto)]
public readonly partial record struct Accepted(int Descriptor, uint Uid)
{
    /// <summary>Turns it away.</summary>
    public void Close() => _ = CloseDescriptor(Descriptor);

    /// <summary>Lets it in; the descriptor is the socket's from now on.</summary>
    /// <exception cref="SocketException">The peer is gone in a way that leaves no socket.</exception>
    public Socket ToSocket() => new(new SafeSocketHandle(Descriptor, ownsHandle: true));

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseDescriptor(int descriptor);
}

/// <summary>
/// Takes connections from a listening socket, on the calling thread and with nothing but system calls: what is turned away
/// costs three of them, and no memory.
/// </summary>
public sealed partial class Acceptor : IDisposable
{
    private const int Again = 11, Interrupted = 4, Aborted = 103, TooManyHere = 24, TooManyOnTheMachine = 23, NoMemory = 12, NoBuffers =
        105;
    private const int CloseOnExec = 0x80000, NonBlocking = 0x800; // SOCK_CLOEXEC, SOCK_NONBLOCK
    private const short Readable = 1; // POLLIN
    private const int SolSocket = 1, SoPeerCred = 17;

    private readonly SafeFileHandle stop = new(EventDescriptor(0, CloseOnExec | NonBlocking), ownsHandle: true);

    /// <summary>Waits for a connection, or until the time is over.</summary>
    /// <returns>False once <see cref="Stop"/> was called.</returns>
    public bool Wait(Socket? listening, TimeSpan atMost)
    {
        Span<Poll> both = [new Poll { Descriptor = (int)stop.DangerousGetHandle(), Wanted = Readable },
            new Poll { Descriptor = listening is null ? -1 : (int)listening.Handle, Wanted = Readable }];
        _ = PollDescriptors(ref both[0], (nuint)both.Length, (int)atMost.TotalMilliseconds);
        return both[0].Happened == 0;
    }

    /// <summary>The next connection; null when none waits.</summary>
    /// <param name="listening">A socket in non-blocking mode.</param>
    /// <param name="isExhausted">Whether there is no descriptor or memory for one that may wait.</param>
    /// <exception cref="SocketException">Nobody can be accepted there any more.</exception>
    public static unsafe Accepted? Next(Socket listening, out bool isExhausted)
    {
        isExhausted = false;
        var descriptor = Accept((int)listening.Handle, 0, 0, CloseOnExec | NonBlocking);
        if (descriptor < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            isExhausted = error is TooManyHere or TooManyOnTheMachine or NoMemory or NoBuffers;
            return isExhausted || error is Again or Interrupted or Aborted ? null : throw new SocketException(error);
        }
        PeerCredentials peer;
        var size = sizeof(PeerCredentials);
        var known = Option(descriptor, SolSocket, SoPeerCred, &peer, &size) == 0;
        return new Accepted(descriptor, known ? peer.Uid : uint.MaxValue);
    }

    /// <summary>Ends every wait, also those to come.</summary>
    public void Stop() => _ = Write(stop, 1, sizeof(ulong));

    /// <summary>Whether the peer has closed its end altogether, and not only said all that it will say.</summary>
    public static bool IsGone(Socket connection)
    {
        var held = false;
        try
        {
            connection.SafeHandle.DangerousAddRef(ref held);
            var one = new Poll { Descriptor = (int)connection.SafeHandle.DangerousGetHandle() };
            return PollDescriptors(ref one, 1, 0) != 0;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
        finally
        {
            if (held)
                connection.SafeHandle.DangerousRelease();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => stop.Dispose();

    [StructLayout(LayoutKind.Sequential)]
    private struct Poll
    {
        public int Descriptor;

        // poll(2) reports a peer that is gone (POLLHUP) and a closed descriptor (POLLNVAL) without being asked.
        public short Wanted;
        public short Happened;
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int PollDescriptors(ref Poll first, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    private static partial int Accept(int listening, nint address, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "getsockopt")]
    private static unsafe partial int Option(int descriptor, int level, int option, PeerCredentials* value, int* size);

    [LibraryImport("libc", EntryPoint = "eventfd")]
    private static partial int EventDescriptor(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(SafeFileHandle descriptor, in ulong value, nuint size);
}
