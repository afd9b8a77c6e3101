/**
 * Of Node, for a host: its inspector is closed, and host-stack.ts may open it. Then it listens on this machine alone, at a port
 * that the system chooses; its address is asked for at the port, and nothing about it is printed.
 */
export const INSPECTOR_OPTIONS: readonly string[] = ['--inspect-port=127.0.0.1:0', '--inspect-publish-uid=http'];
