using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CertAuthority.Linux;

/// <summary>What should be there, or should not, is otherwise. The message says what to do.</summary>
sealed class InUseException(string message) : Exception(message);

/// <summary>
/// The life of a listening Unix socket: under a lock, so that of two daemons one serves and the other is told; over the
/// remains of a killed one; open to every local account once it listens, and not a moment before. One that systemd
/// passed lives on without the daemon: it is neither bound, opened nor removed here.
/// </summary>
sealed partial class SocketFile : IDisposable
{
    const UnixFileMode EnterAndList = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
    const UnixFileMode Everybody = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    readonly FileStream pathLock;
    readonly Socket? passed;

    SocketFile(string path, FileStream pathLock, Socket? passed) => (Path, this.pathLock, this.passed) = (path, pathLock, passed);

    internal string Path { get; }

    /// <summary>Takes the path, and clears what a dead daemon left there.</summary>
    /// <exception cref="InUseException">Somebody serves there, or something else lies there, or systemd listens elsewhere.</exception>
    internal static SocketFile Take(string path)
    {
        // The folder of the socket: made by whoever starts first, entered by everybody, written by nobody else.
        var folder = System.IO.Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
            File.SetUnixFileMode(folder, EnterAndList);
        }
        FileStream taken;
        try
        {
            taken = LockFile.Take(path + ".lock");
        }
        catch (InUseException)
        {
            throw new InUseException($"another daemon serves at {path}; stop it, or name another socket");
        }
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

    /// <summary>The socket. Nobody can connect to one that is bound here before <see cref="Open"/>.</summary>
    internal Socket Bind()
    {
        if (passed is not null)
            return passed;
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var mask = Umask(0x7F); // 0177
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(Path));
        }
        finally
        {
            _ = Umask(mask);
        }
        return socket;
    }

    /// <summary>Lets every local account connect; what each may do is decided call by call.</summary>
    internal void Open()
    {
        if (passed is null)
            File.SetUnixFileMode(Path, Everybody);
    }

    public void Dispose()
    {
        // The lock is still held, so what lies there is ours, or systemd's.
        passed?.Dispose();
        if (passed is null)
            File.Delete(Path);
        pathLock.Dispose();
    }

    static void Clear(string path)
    {
        if (!Exists(path))
            return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            throw new InUseException($"something answers at {path} already; stop it, or name another socket");
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
        {
            // A socket without a listener; a file that is no socket refuses in the same way.
            if (File.GetAttributes(path).HasFlag(FileAttributes.Directory) || File.ResolveLinkTarget(path, false) is not null || new FileInfo(path).Length > 0)
                throw new InUseException($"{path} is not a socket; move it away, or name another socket");
            File.Delete(path);
        }
    }

    static bool Exists(string path) => File.Exists(path) || Directory.Exists(path);

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint Umask(uint mask);
}

/// <summary>A file that one process at a time holds; the kernel lets go of it when the process ends, however it ends.</summary>
static class LockFile
{
    /// <exception cref="InUseException">Another process holds it.</exception>
    internal static FileStream Take(string path)
    {
        try
        {
            // .NET takes flock(LOCK_EX) for FileShare.None.
            return new FileStream(path, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = DurableFile.OwnerOnly });
        }
        catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException))
        {
            throw new InUseException($"{path} is held by another process");
        }
    }
}
