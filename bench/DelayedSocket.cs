using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CertAuthority.Bench;

/// <summary>Passes on what clients and a server on a socket send, so that the server seems to be as far away as a given time.</summary>
internal static partial class DelayedSocket
{
    /// <param name="args">The path of the socket to make, the path of the server's socket, and the time there and back, in µs.</param>
    public static int Serve(string[] args)
    {
        if (args is not [var path, var server, var time])
        {
            Console.Error.WriteLine("usage: delayed-socket PATH SERVER MICROSECONDS");
            return 2;
        }
        var delay = TimeSpan.FromMicroseconds(int.Parse(time, CultureInfo.InvariantCulture));
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        while (true)
        {
            var near = listener.Accept();
            var far = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            far.Connect(new UnixDomainSocketEndPoint(server));
            Start(() => Pass(near, far));
            // All of the delay is on the way back: a caller who waits for answers cannot tell.
            var waiting = new BlockingCollection<(long Due, byte[] Bytes)>();
            Start(() => Collect(far, waiting, delay));
            Start(() => PassLater(waiting, near));
        }
    }

    private static void Start(ThreadStart work) => new Thread(work) { IsBackground = true }.Start();

    private static void Pass(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (from.Receive(buffer) is > 0 and var length)
                to.Send(buffer, length, SocketFlags.None);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // One of them has gone.
        }
        to.Close();
    }

    private static void Collect(Socket from, BlockingCollection<(long Due, byte[] Bytes)> waiting, TimeSpan delay)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (from.Receive(buffer) is > 0 and var length)
                waiting.Add((Stopwatch.GetTimestamp() + (long)(delay.TotalSeconds * Stopwatch.Frequency), buffer[..length]));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // One of them has gone.
        }
        waiting.CompleteAdding();
    }

    private static void PassLater(BlockingCollection<(long Due, byte[] Bytes)> waiting, Socket to)
    {
        // The kernel otherwise lets a thread sleep for 50 µs more.
        _ = SetTimerSlack(29, 1, 0, 0, 0);
        try
        {
            foreach (var (due, bytes) in waiting.GetConsumingEnumerable())
            {
                if (due - Stopwatch.GetTimestamp() is > 0 and var left)
                    _ = Sleep(new Time(left / Stopwatch.Frequency, left % Stopwatch.Frequency * 1_000_000_000 / Stopwatch.Frequency), 0);
                to.Send(bytes);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // One of them has gone.
        }
        to.Close();
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Time(long Seconds, long Nanoseconds);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int SetTimerSlack(int option, nuint nanoseconds, nuint a, nuint b, nuint c);

    [LibraryImport("libc", EntryPoint = "nanosleep")]
    private static partial int Sleep(in Time time, nint left);
}
