using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>
/// The life of a listening Unix socket: under a lock, so that of two daemons one serves and the other is told; over the
/// remains of a killed one; made again when somebody has removed it; open to those who may connect once it listens, and not a
/// moment before. Nothing is ever removed but a socket of our own that nobody serves. One that systemd passed lives on
/// without the daemon: it is neither bound, opened nor removed here.
/// </summary>
public sealed partial class SocketFile : IDisposable
{
    private const UnixFileMode EnterAndList = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
    private const UnixFileMode Everybody = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    // The kernel cuts it to net.core.somaxconn.
    private const int Backlog = 4096;

    private readonly Lock changing = new();
    private readonly bool isPassed;
    private readonly bool isLocked;
    private FileStream? pathLock;
    private FileStatus? made;
    private bool isOpen;
    private bool isWithdrawn;
    private AccessList? openTo;

    private SocketFile(string path, FileStream? pathLock, Socket? passed)
    {
        (Path, this.pathLock, isLocked, Listening, isPassed) = (path, pathLock, pathLock is not null, passed, passed is not null);
        if (isPassed)
            made = FileStatus.Read(path);
    }

    /// <summary>Where it lies.</summary>
    public string Path { get; }

    /// <summary>What connections are taken from, in non-blocking mode; null before <see cref="Bind"/>.</summary>
    public Socket? Listening { get; private set; }

    /// <summary>Takes the path, and clears what a dead daemon left there.</summary>
    /// <exception cref="InUseException">Somebody serves there, or something else lies there, or systemd listens elsewhere.</exception>
    public static SocketFile Take(string path)
    {
        MakeFolder(path);
        var taken = Lock(path);
        try
        {
            var passed = PassedSocket.At(path);
            if (passed is null)
                Clear(path);
            return new SocketFile(path, taken, passed);
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>Takes a path beside one that is taken already: its lock keeps other daemons from this one too.</summary>
    /// <exception cref="InUseException">Somebody serves there, or something else lies there.</exception>
    public static SocketFile TakeBeside(string path)
    {
        Clear(path);
        return new SocketFile(path, pathLock: null, passed: null);
    }

    /// <summary>Begins to listen. Nobody but this account can connect before one of the Open methods was called.</summary>
    public void Bind()
    {
        if (Listening is null)
            (Listening, made) = MakeSocket(Path);
        Listening.Blocking = false;
    }

    /// <summary>Lets every local account connect; what each may do is decided call by call.</summary>
    public void Open() => OpenTo(null);

    /// <summary>Lets these and root connect. The kernel refuses everybody else before the daemon hears of them.</summary>
    /// <exception cref="IOException">The file system cannot tell them apart.</exception>
    public void Open(AccessList list) => OpenTo(list);

    /// <summary>
    /// Makes the socket again if it is not at its path any more. Whoever waits at the old one can still be taken from there.
    /// </summary>
    /// <returns>The old one, to be emptied and closed; null where all is well.</returns>
    /// <exception cref="InUseException">Something else is at the path, or it cannot be made again.</exception>
    public Socket? MakeAgain()
    {
        if (isPassed || IsThere())
            return null;
        lock (changing)
        {
            if (isWithdrawn)
                return null;
            var old = Listening;
            try
            {
                // Of two sockets in one folder, either may be the first to see that the folder is gone.
                MakeFolder(Path);
                if (isLocked)
                {
                    // The folder may be a new one, and the lock in it nobody's.
                    pathLock?.Dispose();
                    pathLock = null;
                    pathLock = Lock(Path);
                }
                Clear(Path);
                (Listening, made) = MakeSocket(Path);
                Listening.Blocking = false;
                if (isOpen)
                    Permit(openTo);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
            {
                throw new InUseException($"the socket {Path} is gone and cannot be made again: {e.Message}");
            }
            return old;
        }
    }

    /// <summary>Whether the file at the path is the socket that this daemon listens on.</summary>
    public bool IsThere() => made is { } mine && mine.IsSameFileAs(FileStatus.Read(Path));

    /// <summary>Whether systemd made it, and so has to make it again.</summary>
    public bool IsPassed => isPassed;

    /// <summary>Takes the socket from its path, so that nobody new comes; who waits at it already can still be taken from there.</summary>
    public void Withdraw()
    {
        lock (changing)
        {
            // While it is open nobody else gets its number, so this is ours and not a successor's.
            if (!isPassed && IsThere())
                File.Delete(Path);
            (made, isWithdrawn) = (null, true);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Withdraw();
        lock (changing)
        {
            Listening?.Dispose();
            pathLock?.Dispose();
        }
    }

    private void OpenTo(AccessList? list)
    {
        lock (changing)
        {
            // A successor's socket may be at the path by now.
            if (isWithdrawn)
                return;
            if (!isPassed)
                Permit(list);
            (isOpen, openTo) = (true, list);
        }
    }

    private void Permit(AccessList? list)
    {
        if (list is null)
            File.SetUnixFileMode(Path, Everybody);
        else
            list.SetOn(Path);
    }

    // Made by whoever comes first, entered by everybody, written by nobody else.
    private static void MakeFolder(string path)
    {
        var folder = System.IO.Path.GetDirectoryName(path)!;
        if (Directory.Exists(folder))
            return;
        Directory.CreateDirectory(folder);
        File.SetUnixFileMode(folder, EnterAndList);
    }

    private static FileStream Lock(string path)
    {
        try
        {
            return LockFile.Take(path + ".lock");
        }
        catch (InUseException)
        {
            throw new InUseException($"another daemon serves at {path}; stop it, or name another socket");
        }
    }

    // A socket that .NET has bound removes its path when it is closed, whatever is there by then.
    private static (Socket, FileStatus?) MakeSocket(string path)
    {
        var address = new UnixDomainSocketEndPoint(path).Serialize();
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            var mask = Umask(0x7F); // 0177
            try
            {
                if (BindDescriptor(socket.SafeHandle, address.Buffer.Span, address.Size) != 0)
                    throw new SocketException(Marshal.GetLastPInvokeError());
            }
            finally
            {
                _ = Umask(mask);
            }
            if (ListenDescriptor(socket.SafeHandle, Backlog) != 0)
                throw new SocketException(Marshal.GetLastPInvokeError());
            return (socket, FileStatus.Read(path));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void Clear(string path)
    {
        if (FileStatus.Read(path) is not { } there)
            return;
        if (!there.IsSocket)
            throw new InUseException($"{path} is not a socket; move it away, or name another socket");
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            throw new InUseException($"something answers at {path} already; stop it, or name another socket");
        }
        // A socket without a listener. One whose queue is full, or that we may not connect to, may be somebody's.
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
        {
            if (there.Owner != Accounts.OwnUid)
                throw new InUseException($"{path} is a socket of uid {there.Owner}; remove it, or name another socket");
            if (there.IsSameFileAs(FileStatus.Read(path)))
                File.Delete(path);
        }
        catch (SocketException busy)
        {
            throw new InUseException($"{path} cannot be taken over: {busy.Message}; stop whatever serves there, or name another socket");
        }
    }

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint Umask(uint mask);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    private static partial int BindDescriptor(SafeHandle socket, ReadOnlySpan<byte> address, int size);

    [LibraryImport("libc", EntryPoint = "listen", SetLastError = true)]
    private static partial int ListenDescriptor(SafeHandle socket, int backlog);
}

/// <summary>A file that one process at a time holds; the kernel lets go of it when the process ends, however it ends.</summary>
public static class LockFile
{
    /// <exception cref="InUseException">Another process holds it.</exception>
    public static FileStream Take(string path)
    {
        try
        {
            // .NET takes flock(LOCK_EX) for FileShare.None.
            return new FileStream(
                path,
                new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate,
                    Access = FileAccess.ReadWrite,
                    Share = FileShare.None,
                    UnixCreateMode = AtomicFile.OwnerOnly
                });
        }
        catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException))
        {
            throw new InUseException($"{path} is held by another process");
        }
    }
}
