using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>
/// Manages a listening Unix socket. A lock ensures that only one of two daemons serves, and the other gets an error. It replaces the socket
/// of a killed daemon, creates the socket again if somebody has removed it, and lets accounts connect only once it listens. It never
/// removes anything but a socket of this daemon that nobody serves. A socket that systemd passed exists independently of the daemon: it is
/// neither bound, opened nor removed here.
/// </summary>
public sealed partial class SocketFile : IDisposable
{
    private const UnixFileMode EnterAndList = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
    private const UnixFileMode Everybody = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    // The kernel limits it to net.core.somaxconn.
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

    /// <summary>The path of the socket.</summary>
    public string Path { get; }

    /// <summary>The socket that accepts connections, in non-blocking mode; null before <see cref="Bind"/>.</summary>
    public Socket? Listening { get; private set; }

    /// <summary>Locks the path, and removes the socket of a dead daemon.</summary>
    /// <exception cref="InUseException">Another process serves there, another file exists there, or systemd listens elsewhere.</exception>
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

    /// <summary>Takes a path next to one that is taken already, whose lock keeps other daemons away from this one too.</summary>
    /// <exception cref="InUseException">Another process serves there, or another file exists there.</exception>
    public static SocketFile TakeBeside(string path)
    {
        Clear(path);
        return new SocketFile(path, pathLock: null, passed: null);
    }

    /// <summary>Starts to listen. Only this account can connect until one of the Open methods is called.</summary>
    public void Bind()
    {
        if (Listening is null)
            (Listening, made) = MakeSocket(Path);
        Listening.Blocking = false;
    }

    /// <summary>Lets every local account connect; each call is authorized separately.</summary>
    public void Open() => OpenTo(null);

    /// <summary>Lets these accounts and root connect. The kernel rejects all other accounts, and the daemon does not see them.</summary>
    /// <exception cref="IOException">The file system does not support access lists.</exception>
    public void Open(AccessList list) => OpenTo(list);

    /// <summary>
    /// Creates the socket again if it is no longer at its path. Connections that wait at the old socket can still be accepted from it.
    /// </summary>
    /// <returns>The old socket, to be emptied and closed; null if the socket is in place.</returns>
    /// <exception cref="InUseException">Another file is at the path, or the socket cannot be created again.</exception>
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
                // If two sockets are in one folder, either may be the first to notice that the folder is gone.
                MakeFolder(Path);
                if (isLocked)
                {
                    // The folder may be new, and the lock in it held by nobody.
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

    /// <summary>Whether systemd created the socket, and therefore must create it again.</summary>
    public bool IsPassed => isPassed;

    /// <summary>
    /// Removes the socket from its path, so that nobody new connects; connections that wait already can still be accepted.
    /// </summary>
    public void Withdraw()
    {
        lock (changing)
        {
            // While the file is open, no other file gets its inode, so this is our socket and not a successor's.
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
            // A successor's socket may already be at the path.
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

    // The first process creates the folder; everybody may enter it, nobody else may write to it.
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

    // When .NET closes a socket that it bound, it removes the path, whatever is there by then.
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
        // A socket without a listener. One with a full queue, or one to which this account may not connect, may be in use.
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

/// <summary>A file that one process at a time holds; the kernel releases it when the process ends, for any reason.</summary>
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
