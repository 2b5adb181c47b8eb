using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>A connection to the daemon, as bytes, of any uid.</summary>
internal sealed class Knock : IDisposable
{
    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <summary>Connects as whoever runs the tests.</summary>
    public Knock(TestDaemon daemon) => socket.Connect(new UnixDomainSocketEndPoint(daemon.Socket));

    /// <summary>Connections of a uid, which needs no account.</summary>
    public static List<Knock> As(uint uid, int count, TestDaemon daemon)
    {
        // The kernel notes the uid of the thread that connects. Only the C library makes one of all threads.
        var all = new List<Knock>();
        var thread = new Thread(() =>
        {
            Become(uid);
            for (var i = 0; i < count; i++)
                all.Add(new Knock(daemon));
        });
        thread.Start();
        thread.Join();
        Assert.Equal(count, all.Count);
        return all;
    }

    public Knock Says(string text)
    {
        socket.Send(Encoding.ASCII.GetBytes(text));
        return this;
    }

    /// <summary>The same where the daemon may have closed it.</summary>
    public void SaysIfItCan(string text)
    {
        try
        {
            Says(text);
        }
        catch (SocketException)
        {
            // Closed.
        }
    }

    /// <summary>Says a little again and again until the daemon closes; what it answered, or null when it had not closed in time.</summary>
    public async Task<string?> UntilClosed(string again, TimeSpan pause, TimeSpan within)
    {
        var answer = Rest();
        var speaking = Task.Run(async () =>
        {
            try
            {
                while (!answer.IsCompleted)
                {
                    if (again.Length > 0)
                        await socket.SendAsync(Encoding.ASCII.GetBytes(again));
                    await Task.Delay(pause);
                }
            }
            catch (SocketException)
            {
                // Closed.
            }
        });
        return await Task.WhenAny(answer, Task.Delay(within)) == answer ? await answer : null;
    }

    /// <summary>Whether the daemon has closed it, or will not.</summary>
    public bool IsClosed => socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;

    public void Dispose() => socket.Dispose();

    private async Task<string> Rest()
    {
        var all = new StringBuilder();
        var some = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(some) is > 0 and var length)
                all.Append(Encoding.ASCII.GetString(some, 0, length));
        }
        catch (SocketException)
        {
            // Reset: closed before all was read.
        }
        return all.ToString();
    }

    private static void Become(uint uid)
    {
        var setresuid = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 147 : 117;
        Assert.Equal(0, SystemCall(setresuid, -1, (nint)uid, -1));
    }

    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static extern nint SystemCall(nint number, nint first, nint second, nint third);
}
